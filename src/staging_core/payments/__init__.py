"""What accounts pay through a provider, and what the provider says of it."""
