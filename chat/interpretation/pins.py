"""SHA-256 of the model file that is shipped; written by chat.training.shipped."""

INTENTS_SHA256 = "7a0cd46f08797154d96165210fdb80d81fcc19854f4212e42a145fcc73b4052f"
