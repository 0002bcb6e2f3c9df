"""Evidence of what happened: one append-only event log, and what watches it."""
