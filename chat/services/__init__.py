"""Writes of the chat, a verb for each."""
