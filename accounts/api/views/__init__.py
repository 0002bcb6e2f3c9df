"""The routes of accounts, by subject."""
