"""Roles, assignments, decisions and profiles as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from django.utils.dateparse import parse_datetime
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from chatsec.core.context import AttributeValue
from chatsec.core.errors import Json
from rbac.models import Assignment, Role
from rbac.services.roles import GrantDefinition, RoleDefinition, definition_of

MAX_ATTRIBUTES = 50


class GrantSerializer(serializers.Serializer[GrantDefinition]):
    """One line of a role."""

    permission = serializers.CharField(max_length=150)
    effect = serializers.ChoiceField(choices=["allow", "deny"], default="allow")
    condition = serializers.CharField(max_length=4096, default="", allow_blank=True)
    row_filter = serializers.CharField(max_length=4096, default="", allow_blank=True)
    columns = serializers.ListField(
        child=serializers.CharField(max_length=100),
        max_length=200,
        default=None,
        allow_null=True,
    )
    requires_step_up = serializers.BooleanField(default=False)


class RoleInputSerializer(serializers.Serializer[RoleDefinition]):
    """A role as an administrator writes it."""

    name = serializers.CharField(max_length=63)
    label = serializers.CharField(  # type: ignore[assignment]
        max_length=100, allow_blank=True, default=""
    )
    description = serializers.CharField(max_length=1000, allow_blank=True, default="")
    inherits = serializers.ListField(
        child=serializers.CharField(max_length=63), max_length=50, default=list
    )
    grants = GrantSerializer(many=True, default=list)
    is_break_glass = serializers.BooleanField(default=False)
    requires_factor = serializers.BooleanField(default=False)

    def definition(self, *, base: RoleDefinition | None = None) -> RoleDefinition:
        """Return the definition, unnamed parts taken from `base`."""
        given = self.validated_data
        grants = tuple(_grant(item) for item in given.get("grants", ()))
        start = base or RoleDefinition(name="")
        return RoleDefinition(
            name=given.get("name", start.name),
            label=given.get("label", start.label),
            description=given.get("description", start.description),
            inherits=tuple(given["inherits"])
            if "inherits" in given
            else start.inherits,
            grants=grants if "grants" in given else start.grants,
            is_break_glass=given.get("is_break_glass", start.is_break_glass),
            requires_factor=given.get("requires_factor", start.requires_factor),
        )


def _grant(item: Mapping[str, object]) -> GrantDefinition:
    columns = item["columns"]
    return GrantDefinition(
        permission=str(item["permission"]),
        effect=str(item["effect"]),
        condition=str(item["condition"]),
        row_filter=str(item["row_filter"]),
        columns=tuple(map(str, columns)) if isinstance(columns, list) else None,
        requires_step_up=bool(item["requires_step_up"]),
    )


class RoleSerializer(serializers.ModelSerializer[Role]):
    """A stored role with what it grants itself and inherits."""

    inherits = serializers.SerializerMethodField()
    grants = serializers.SerializerMethodField()

    class Meta:
        model = Role
        fields = (
            "name",
            "label",
            "description",
            "is_system",
            "is_break_glass",
            "requires_factor",
            "inherits",
            "grants",
        )

    def get_inherits(self, role: Role) -> list[str]:
        """Return the names of the roles right above it."""
        return list(definition_of(role).inherits)

    @extend_schema_field(GrantSerializer(many=True))
    def get_grants(self, role: Role) -> list[dict[str, object]]:
        """Return its own grants."""
        return [dict(GrantSerializer(item).data) for item in definition_of(role).grants]


class AssignmentInputSerializer(serializers.Serializer[Assignment]):
    """A role for somebody, with a reason."""

    user = serializers.CharField(max_length=254)
    role = serializers.CharField(max_length=63)
    reason = serializers.CharField(max_length=500)
    valid_from = serializers.DateTimeField(required=False, allow_null=True)
    valid_until = serializers.DateTimeField(required=False, allow_null=True)


class AssignmentSerializer(serializers.ModelSerializer[Assignment]):
    """An assignment with its history."""

    user = serializers.CharField(source="user.username")
    user_id = serializers.UUIDField()
    role = serializers.CharField(source="role.name")
    granted_by = serializers.CharField(
        source="granted_by.username", default=None, allow_null=True
    )

    class Meta:
        model = Assignment
        fields = (
            "id",
            "user",
            "user_id",
            "role",
            "reason",
            "valid_from",
            "valid_until",
            "granted_by",
            "created_at",
            "revoked_at",
            "revoke_reason",
        )


class RevokeSerializer(serializers.Serializer[None]):
    """Why a role is taken away."""

    reason = serializers.CharField(max_length=500)


class CheckSerializer(serializers.Serializer[None]):
    """A question to the policy."""

    user = serializers.CharField(max_length=254, required=False)
    permission = serializers.CharField(max_length=150)
    resource = serializers.DictField(required=False, allow_null=True)
    context = serializers.DictField(  # type: ignore[assignment]
        required=False, allow_null=True
    )
    at = serializers.DateTimeField(required=False, allow_null=True)

    def validate_permission(self, value: str) -> str:
        """Refuse what no code looks like."""
        if not value.replace("_", "a").replace(".", "a").isalnum():
            raise serializers.ValidationError("Not a permission code.")
        return value

    def validate_resource(
        self, value: dict[str, Json] | None
    ) -> dict[str, AttributeValue] | None:
        """Return the row's attributes."""
        return None if value is None else _attributes(value)

    def validate_context(
        self, value: dict[str, Json] | None
    ) -> dict[str, AttributeValue] | None:
        """Return the surroundings; `now` is a moment in ISO 8601."""
        return None if value is None else _attributes(value)


def _attributes(given: dict[str, Json]) -> dict[str, AttributeValue]:
    if len(given) > MAX_ATTRIBUTES:
        raise serializers.ValidationError(f"At most {MAX_ATTRIBUTES} attributes.")
    return {name: _attribute(name, value) for name, value in given.items()}


def _attribute(name: str, value: object) -> AttributeValue:
    if name == "now":
        return _moment(value)
    if isinstance(value, float):
        return Decimal(repr(value))
    if value is None or isinstance(value, str | bool | int | Decimal):
        return value
    raise serializers.ValidationError(f"{name}: a text, number, true, false or null.")


def _moment(value: object) -> datetime:
    try:
        moment = parse_datetime(value) if isinstance(value, str) else None
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise serializers.ValidationError("now: a moment with a zone, in ISO 8601.")
    return moment


class ReasonSerializer(serializers.Serializer[None]):
    """Why."""

    kind = serializers.CharField()
    text = serializers.CharField()
    role = serializers.CharField()
    path = serializers.ListField(child=serializers.CharField())
    grant = serializers.CharField()
    condition = serializers.CharField()
    attributes = serializers.ListField(child=serializers.CharField())


class DecisionSerializer(serializers.Serializer[None]):
    """An answer with its reasons."""

    outcome = serializers.ChoiceField(choices=["allow", "deny", "step_up"])
    permission = serializers.CharField()
    roles = serializers.ListField(child=serializers.CharField())
    reasons = ReasonSerializer(many=True)


class CellSerializer(serializers.Serializer[None]):
    """One role and one permission."""

    role = serializers.CharField()
    state = serializers.ChoiceField(
        choices=["granted", "inherited", "aggregate", "denied", "none"]
    )
    source = serializers.CharField()  # type: ignore[assignment]
    grant = serializers.CharField()
    condition = serializers.CharField()
    row_filter = serializers.CharField()
    requires_step_up = serializers.BooleanField()


class MatrixRowSerializer(serializers.Serializer[None]):
    """One permission over all roles."""

    code = serializers.CharField()
    cells = CellSerializer(many=True)


class MatrixSerializer(serializers.Serializer[None]):
    """Roles by permissions."""

    roles = serializers.ListField(child=serializers.CharField())
    permissions = MatrixRowSerializer(many=True)


class ProfileChangeSerializer(serializers.Serializer[None]):
    """What people change about themselves."""

    display_name = serializers.CharField(max_length=150, required=False)

    def to_internal_value(self, data: object) -> dict[str, object]:
        """Refuse names that are not one's own to change, instead of ignoring them."""
        if isinstance(data, dict) and (other := set(data) - set(self.fields)):
            message = "You cannot change this yourself."
            raise serializers.ValidationError({str(name): [message] for name in other})
        changes: dict[str, object] = super().to_internal_value(data)
        return changes


class ProfileSerializer(serializers.Serializer[None]):
    """Oneself: profile, roles, effective permissions."""

    id = serializers.UUIDField()
    username = serializers.CharField()
    display_name = serializers.CharField()
    email = serializers.CharField()
    department = serializers.CharField()
    region = serializers.CharField()
    team = serializers.CharField()
    roles = serializers.ListField(child=serializers.CharField())
    permissions = serializers.ListField(child=serializers.CharField())
