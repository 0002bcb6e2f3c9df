"""What changes a password or an address, as JSON."""

from __future__ import annotations

from rest_framework import serializers

from accounts.constants import MAX_LOGIN_LENGTH, MAX_PASSWORD_LENGTH
from accounts.services.people import MAX_DISPLAY_NAME

MAX_LINK_LENGTH = 256


class NewPasswordField(serializers.CharField):
    """A password as it was typed: nothing is trimmed, the policy says the rest."""

    def __init__(self) -> None:
        super().__init__(trim_whitespace=False, max_length=MAX_PASSWORD_LENGTH)


class PasswordChangeSerializer(serializers.Serializer[None]):
    """The password that is known, and the new one."""

    current_password = serializers.CharField(
        trim_whitespace=False, max_length=MAX_PASSWORD_LENGTH
    )
    password = NewPasswordField()
    end_keys = serializers.BooleanField(required=False, default=False)


class ResetAskSerializer(serializers.Serializer[None]):
    """Whose password is forgotten: a user name or an e-mail address."""

    username = serializers.CharField(max_length=MAX_LOGIN_LENGTH)


class ResetSerializer(serializers.Serializer[None]):
    """A mailed link's token, and the new password."""

    token = serializers.CharField(max_length=MAX_LINK_LENGTH)
    password = NewPasswordField()
    end_keys = serializers.BooleanField(required=False, default=False)


class AcceptanceSerializer(serializers.Serializer[None]):
    """An invitation's token, the first password, and how one wants to be called."""

    token = serializers.CharField(max_length=MAX_LINK_LENGTH)
    password = NewPasswordField()
    display_name = serializers.CharField(max_length=MAX_DISPLAY_NAME, required=False)


class EmailSerializer(serializers.Serializer[None]):
    """A new e-mail address."""

    email = serializers.EmailField(max_length=MAX_LOGIN_LENGTH)


class LinkSerializer(serializers.Serializer[None]):
    """A mailed link's token."""

    token = serializers.CharField(max_length=MAX_LINK_LENGTH)


class SentSerializer(serializers.Serializer[None]):
    """What is said whether or not a mail was sent."""

    detail = serializers.CharField()
