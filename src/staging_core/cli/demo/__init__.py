"""What ``staging demo`` shows: a photo of our own and one page with the results."""
