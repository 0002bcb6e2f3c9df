"""Sign-in over the API."""
