"""SHA-256 of the model file that is shipped; written by chat.training.shipped."""

INTENTS_SHA256 = "9f0170199842c98f19a7317df440ecca53ac93473fae2028978cfbb81d198a4b"
