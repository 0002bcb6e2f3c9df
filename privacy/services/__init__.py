"""Writes of the privacy app, by subject."""
