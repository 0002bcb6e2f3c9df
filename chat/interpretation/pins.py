"""SHA-256 of the model file that is shipped; written by chat.training.shipped."""

INTENTS_SHA256 = "6115f675ffa1bc1cf1ae03a68f907bfd42591283e1347ac4e235e3b2622142c2"
