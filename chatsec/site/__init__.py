"""The admin site, its dashboard, and the commands that run the whole."""
