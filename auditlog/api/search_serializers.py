"""Saved searches as the API takes and gives them."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from auditlog.models import SavedSearch
from auditlog.models.saved_search import MAX_NAME
from auditlog.selectors.filters import MAX_WORD, NAMES


class Words(serializers.DictField):
    """Filters by name, each a text; an unknown name is refused."""

    child = serializers.CharField(max_length=MAX_WORD)

    def to_internal_value(self, data: Any) -> dict[str, str]:
        """Return the words; what the filters mean is checked by the service."""
        words: dict[str, str] = super().to_internal_value(data)
        unknown = [name for name in words if name not in NAMES]
        if unknown:
            raise serializers.ValidationError(f"Unknown: {', '.join(unknown)}.")
        return words


class SearchBody(serializers.Serializer[Any]):
    """A search to save."""

    name = serializers.CharField(max_length=MAX_NAME)
    filters = Words()
    is_shared = serializers.BooleanField(default=False)


class SearchChange(serializers.Serializer[Any]):
    """What to change of a search."""

    name = serializers.CharField(required=False, max_length=MAX_NAME)
    filters = Words(required=False)
    is_shared = serializers.BooleanField(required=False)


class SearchRow(serializers.ModelSerializer[SavedSearch]):
    """A saved search with its owner's name."""

    name = serializers.CharField()
    filters = serializers.DictField(
        source="words", child=serializers.CharField(), read_only=True
    )
    owner = serializers.CharField(source="owner.username")

    class Meta:
        model = SavedSearch
        fields = ["id", "name", "filters", "is_shared", "owner", "created_at"]
