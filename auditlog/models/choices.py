"""Choices of the models from tuples of plain words."""

from __future__ import annotations


def choices(values: tuple[str, ...]) -> list[tuple[str, str]]:
    """Return the words as choices that read as words."""
    return [(value, value.replace("_", " ")) for value in values]
