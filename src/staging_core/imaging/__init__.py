"""Pictures: what comes in, how it is decoded out of reach, and how it is marked on the way out."""
