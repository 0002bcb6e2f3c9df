"""The demo organisation: people, business data, catalogue. Never in production."""
