"""SHA-256 of the model file that is shipped; written by chat.training.shipped."""

INJECTION_SHA256 = "83ee40ca924b33f3065084b3b59591828c2327dc2509a3439018c875aa7da99d"
