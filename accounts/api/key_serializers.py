"""API keys, as JSON."""

from __future__ import annotations

from typing import ClassVar

from rest_framework import serializers

from accounts.constants import (
    KEY_DAYS,
    KEY_MESSAGES_PER_MINUTE,
    MAX_KEY_NAME,
    MAX_KEY_NETWORKS,
    MAX_KEY_SCOPES,
)
from accounts.models import ApiKey

LONGEST_NETWORK = 64


class KeyTermsSerializer(serializers.Serializer[None]):
    """What a new key is for; the service says what of it is not possible."""

    name = serializers.CharField(max_length=MAX_KEY_NAME)
    scopes = serializers.ListField(
        child=serializers.CharField(max_length=100),
        min_length=1,
        max_length=MAX_KEY_SCOPES,
    )
    days = serializers.IntegerField(default=KEY_DAYS)
    networks = serializers.ListField(
        child=serializers.CharField(max_length=LONGEST_NETWORK),
        max_length=MAX_KEY_NETWORKS,
        default=list,
    )
    messages_per_minute = serializers.IntegerField(default=KEY_MESSAGES_PER_MINUTE)


class ApiKeySerializer(serializers.ModelSerializer[ApiKey]):
    """A key without what opens anything."""

    name = serializers.CharField(read_only=True)
    prefix = serializers.CharField(source="shown_as", read_only=True)
    networks = serializers.ListField(child=serializers.CharField(), read_only=True)
    state = serializers.ChoiceField(["active", "revoked", "expired"], read_only=True)

    class Meta:
        model = ApiKey
        fields: ClassVar[tuple[str, ...]] = (
            "id",
            "name",
            "prefix",
            "state",
            "scopes",
            "networks",
            "messages_per_minute",
            "created_at",
            "expires_at",
            "last_used_at",
            "last_refused_at",
            "revoked_at",
        )
        read_only_fields = fields


class MadeKeySerializer(ApiKeySerializer):
    """A new key, with its text."""

    key = serializers.CharField(read_only=True)

    class Meta(ApiKeySerializer.Meta):
        fields = (*ApiKeySerializer.Meta.fields, "key")
        read_only_fields = fields
