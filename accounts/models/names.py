"""Names that people give their factors: sealed, like all that they write."""

from __future__ import annotations

from chatsec.core.crypto import Place, open_for, seal_for


def sealed_name(table: str, *, otherwise: str) -> property:
    """Return a `name` kept in the column `name_sealed`; unnamed ones read `otherwise`.

    It stands in for django_otp's own column, which would hold it in clear.
    """

    def place_of(factor: object) -> Place:
        return Place(table, "name_sealed", factor.handle)  # type: ignore[attr-defined]  # every factor has one

    def read(factor: object) -> str:
        """Return what its owner calls it, opened with the person's key."""
        sealed = factor.name_sealed  # type: ignore[attr-defined]  # every factor has one
        if sealed is None:
            return otherwise
        user_id = factor.user_id  # type: ignore[attr-defined]  # every factor has one
        return open_for(user_id, bytes(sealed), place=place_of(factor))

    def write(factor: object, value: str) -> None:
        user_id = factor.user_id  # type: ignore[attr-defined]  # every factor has one
        factor.name_sealed = (  # type: ignore[attr-defined]  # every factor has one
            seal_for(user_id, value, place=place_of(factor)) if value else None
        )

    return property(read, write)
