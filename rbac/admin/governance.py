"""Requests, break-glass and separation of duties in the admin site."""
