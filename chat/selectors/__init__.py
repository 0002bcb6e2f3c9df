"""Reads of the chat, each for the actor who reads."""
