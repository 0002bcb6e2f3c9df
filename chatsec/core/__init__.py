"""What every app stands on: context, errors, cryptography, the API's manners."""
