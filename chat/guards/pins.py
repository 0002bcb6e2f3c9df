"""SHA-256 of the model file that is shipped; written by chat.training.shipped."""

INJECTION_SHA256 = "096901f1303b9117e16372bb247c5b981af4e6165bd3dd727c20af8f4c2cf754"
