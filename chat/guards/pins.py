"""SHA-256 of the model file that is shipped; written by chat.training.shipped."""

INJECTION_SHA256 = "38ac9a1f5f4c08ac25a6e36e4a21cb403f69ec068d8fc8548a394696f394c837"
