"""SHA-256 of the model file that is shipped; written by chat.training.shipped."""

INTENTS_SHA256 = "7dc22866fdd5cda7353b2c919b94086cef2ee1ddcd4b1aad8c2586a474062ebc"
