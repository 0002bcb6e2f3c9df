"""What changes accounts: people, sessions, tokens, factors, sign-in."""
