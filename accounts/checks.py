"""System checks of sign-in."""
