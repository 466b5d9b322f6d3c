"""What the doubles of other people's services share: HTTP over ASGI, time, and the truth."""
