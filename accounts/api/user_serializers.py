"""People, as administrators see and change them over the API."""

from __future__ import annotations

from rest_framework import serializers

from accounts.constants import MAX_LOGIN_LENGTH
from accounts.models import User
from accounts.selectors import find_user_by_login
from accounts.services.people import MAX_DISPLAY_NAME

WRONG_MANAGER = "There is no such user."


class UserSerializer(serializers.ModelSerializer[User]):
    """An account in a list: nothing of it is sealed, so a page costs one query."""

    status = serializers.CharField(read_only=True)
    manager = serializers.CharField(
        source="manager.username", default=None, read_only=True
    )

    class Meta:
        model = User
        fields: tuple[str, ...] = (
            "id",
            "username",
            "status",
            "department",
            "region",
            "team",
            "manager",
            "approval_limit",
            "is_staff",
            "date_joined",
        )
        read_only_fields = fields


class UserDetailSerializer(UserSerializer):
    """One account, opened."""

    email = serializers.CharField(read_only=True)
    display_name = serializers.CharField(read_only=True)

    class Meta(UserSerializer.Meta):
        fields = (*UserSerializer.Meta.fields, "email", "display_name")
        read_only_fields = fields


class UserChangeSerializer(serializers.Serializer[None]):
    """What an administrator may change; never a password."""

    username = serializers.CharField(max_length=64)
    email = serializers.EmailField(max_length=MAX_LOGIN_LENGTH)
    display_name = serializers.CharField(max_length=MAX_DISPLAY_NAME, required=False)
    department = serializers.CharField(max_length=64, required=False, allow_blank=True)
    region = serializers.CharField(max_length=64, required=False, allow_blank=True)
    team = serializers.CharField(max_length=64, required=False, allow_blank=True)
    manager = serializers.CharField(
        max_length=MAX_LOGIN_LENGTH, required=False, allow_null=True
    )
    approval_limit = serializers.DecimalField(
        max_digits=14, decimal_places=2, required=False, allow_null=True
    )
    is_staff = serializers.BooleanField(required=False)

    def validate_manager(self, value: str | None) -> User | None:
        """Return the person of the name or id."""
        if value is None:
            return None
        found = find_user_by_login(value)
        if found is None:
            raise serializers.ValidationError(WRONG_MANAGER)
        return found


class UserStateSerializer(UserChangeSerializer):
    """The same for an account that exists, which can be closed and opened too."""

    is_active = serializers.BooleanField(required=False)


class UserSearchSerializer(serializers.Serializer[None]):
    """Which accounts to list: the beginning of a user name, or a whole address."""

    q = serializers.CharField(
        max_length=MAX_LOGIN_LENGTH, required=False, allow_blank=True
    )
