"""Containers of pictures, read and edited as bytes: no codec runs here."""
