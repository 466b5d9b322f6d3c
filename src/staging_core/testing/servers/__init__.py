"""Real servers for tests, started from wheels or from what the system has."""
