"""SHA-256 of the model file that is shipped; written by chat.training.shipped."""

INTENTS_SHA256 = "32fa63017cef4a0df66c6dacd948188ce9414299c2ca7b139e59a3dec7bb07b8"
