"""SHA-256 of the model file that is shipped; written by chat.training.shipped."""

INJECTION_SHA256 = "e02e7a9e5442e57ebb3c4186bd44c7aa2548962b9f4544a14e8238bf6e319de0"
