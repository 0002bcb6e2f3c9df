"""SHA-256 of the model file that is shipped; written by chat.training.shipped."""

INJECTION_SHA256 = "1860f046d3ad30eef26684ca581c0eda50504456822a5e9fae4970d6ab5f67d9"
