"""The stages of `chat.pipeline`, each in the file of its subject."""
