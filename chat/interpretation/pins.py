"""SHA-256 of the model file that is shipped; written by chat.training.shipped."""

INTENTS_SHA256 = "2bf784cecb208a57ed31563def7c98e6b7a6e5209a3aa6a8a6cb027c085ba2ec"
