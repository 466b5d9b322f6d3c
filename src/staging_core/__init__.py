"""AI virtual staging of real-estate photos."""
