"""What sign-in takes and gives, as JSON."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers

from accounts.constants import (
    MAX_CODE_LENGTH,
    MAX_DEVICE_NAME,
    MAX_LOGIN_LENGTH,
    MAX_PASSWORD_LENGTH,
)
from accounts.models import AuthSession, Notice
from chatsec.core.context import current_actor

MAX_TOKEN_LENGTH = 256


class CredentialsSerializer(serializers.Serializer[None]):
    """A name or e-mail address and its password, with a code if at hand."""

    username = serializers.CharField(max_length=MAX_LOGIN_LENGTH)
    password = serializers.CharField(
        max_length=MAX_PASSWORD_LENGTH, trim_whitespace=False
    )
    otp = serializers.CharField(
        max_length=MAX_CODE_LENGTH, required=False, trim_whitespace=False
    )


class RefreshSerializer(serializers.Serializer[None]):
    """A refresh token."""

    refresh = serializers.CharField(max_length=MAX_TOKEN_LENGTH)


class TokenPairSerializer(serializers.Serializer[None]):
    """Tokens of a signed-in app."""

    token_type = serializers.CharField()
    access = serializers.CharField()
    expires_in = serializers.IntegerField()
    refresh = serializers.CharField()
    refresh_expires_in = serializers.IntegerField()
    session_id = serializers.UUIDField()


class StepUpSerializer(serializers.Serializer[None]):
    """A session in which its user proved himself again."""

    session_id = serializers.UUIDField()
    stepped_up_at = serializers.DateTimeField(allow_null=True)
    password_confirmed_at = serializers.DateTimeField(allow_null=True)
    expires_in = serializers.IntegerField()


class SessionSerializer(serializers.ModelSerializer[AuthSession]):
    """A signed-in device, for its owner."""

    current = serializers.SerializerMethodField()
    name = serializers.CharField(read_only=True)
    device = serializers.CharField(source="device_name", read_only=True)
    user_agent = serializers.CharField(read_only=True)

    class Meta:
        model = AuthSession
        fields = (
            "id",
            "kind",
            "current",
            "name",
            "device",
            "client",
            "scopes",
            "user_agent",
            "amr",
            "created_at",
            "authenticated_at",
            "stepped_up_at",
            "last_seen_at",
            "expires_at",
        )
        read_only_fields = fields

    def get_current(self, session: AuthSession) -> bool:
        """Whether this is the device that asks."""
        return session.id == current_actor().session_id


class UserSessionSerializer(serializers.ModelSerializer[AuthSession]):
    """A signed-in device of somebody else's: when and how, not what he calls it."""

    class Meta:
        model = AuthSession
        fields = (
            "id",
            "kind",
            "client",
            "scopes",
            "amr",
            "created_at",
            "authenticated_at",
            "last_seen_at",
            "expires_at",
        )
        read_only_fields = fields


class SessionNameSerializer(serializers.Serializer[None]):
    """What the owner of a device calls it; empty takes the name away."""

    name = serializers.CharField(max_length=MAX_DEVICE_NAME, allow_blank=True)


class EndedSessionsSerializer(serializers.Serializer[None]):
    """How many devices were signed out."""

    ended = serializers.IntegerField()


@extend_schema_serializer(component_name="AccountNotice")
class NoticeSerializer(serializers.ModelSerializer[Notice]):
    """What its owner was told about an account."""

    title = serializers.CharField(read_only=True)
    text = serializers.CharField(read_only=True)

    class Meta:
        model = Notice
        fields = ("id", "kind", "title", "text", "created_at", "mailed_at", "seen_at")
        read_only_fields = fields
