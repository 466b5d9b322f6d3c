"""Models at Replicate, as stagers that answer later: ``replicate:owner/name``."""
