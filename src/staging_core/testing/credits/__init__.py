"""The books of a credit service, as its double keeps them."""
