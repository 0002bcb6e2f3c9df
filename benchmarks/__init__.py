"""Measurements. `make bench` runs them all; each prints a ratio to a named baseline."""
