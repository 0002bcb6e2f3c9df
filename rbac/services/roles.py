"""Defining roles: validated as a whole, changed under one lock, with evidence."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from auditlog.services import Target, record
from chatsec.core.context import Actor
from chatsec.core.errors import Conflict, Invalid, Json
from rbac import selectors
from rbac.constants import ADMIN_ROLE
from rbac.events import ROLE_CHANGED, ROLE_CREATED, ROLE_DELETED
from rbac.models import ROLE_NAME, Role, RoleGrant, RoleParent
from rbac.policy import ConditionError, parse_condition
from rbac.policy.roles import bare_code, is_code_or_pattern, is_pattern
from rbac.services.governance import (
    hold_policy_lock,
    refuse_more_than_held,
    refuse_unless_administrator,
)

MAX_GRANTS = 500
COLUMN = re.compile(r"\A[A-Za-z_][A-Za-z0-9_]{0,62}\Z")


@dataclass(frozen=True, slots=True)
class GrantDefinition:
    """One line of a role as an administrator writes it."""

    permission: str
    effect: str = "allow"
    condition: str = ""
    row_filter: str = ""
    columns: tuple[str, ...] | None = None
    requires_step_up: bool = False


@dataclass(frozen=True, slots=True)
class RoleDefinition:
    """A whole role as an administrator writes it."""

    name: str
    label: str = ""
    description: str = ""
    inherits: tuple[str, ...] = ()
    grants: tuple[GrantDefinition, ...] = ()


def definition_of(role: Role) -> RoleDefinition:
    """Return the stored role as a definition."""
    return RoleDefinition(
        name=role.name,
        label=role.label,
        description=role.description,
        inherits=tuple(sorted(parent.name for parent in role.parents.all())),
        grants=tuple(
            GrantDefinition(
                permission=row.code,
                effect=row.effect,
                condition=row.condition,
                row_filter=row.row_filter,
                columns=None if row.columns is None else tuple(row.columns),
                requires_step_up=row.requires_step_up,
            )
            for row in role.grants.all()
        ),
    )


def create_role(actor: Actor, *, definition: RoleDefinition) -> Role:
    """Store a new role; nobody has it yet."""
    refuse_unless_administrator(actor)
    definition = validated(definition)
    with transaction.atomic():
        hold_policy_lock()
        if Role.objects.filter(name=definition.name).exists():
            raise Conflict("There is a role of this name.", code="role_exists")
        _refuse_unknown(definition)
        role = Role.objects.create(
            name=definition.name,
            label=definition.label,
            description=definition.description,
        )
        _write(role, definition)
        _refuse_gift(actor, role)
        record(
            ROLE_CREATED,
            actor=actor,
            target=Target("role", role.id, role.name),
            details={"role": role.name, "after": _evidence(definition)},
        )
    selectors.release_stamp(actor.person)
    return selectors.get_role(role.name)


def update_role(actor: Actor, *, role: Role, definition: RoleDefinition) -> Role:
    """Make the role what the definition says, in one step for everybody."""
    refuse_unless_administrator(actor)
    definition = validated(definition)
    with transaction.atomic():
        hold_policy_lock()
        stored = selectors.get_role(role.name)
        _refuse_protected(stored)
        if definition.name != stored.name:
            raise Invalid(
                "A role keeps its name.", fields={"name": ["This does not change."]}
            )
        _refuse_unknown(definition)
        before = definition_of(stored)
        stored.label, stored.description = definition.label, definition.description
        stored.save(update_fields=["label", "description"])
        stored.grants.all().delete()
        stored.parent_links.all().delete()
        _write(stored, definition)
        _refuse_gift(actor, stored)
        record(
            ROLE_CHANGED,
            actor=actor,
            target=Target("role", stored.id, stored.name),
            details={
                "role": stored.name,
                "before": _evidence(before),
                "after": _evidence(definition),
            },
        )
    selectors.release_stamp(actor.person)
    return selectors.get_role(role.name)


def delete_role(actor: Actor, *, role: Role) -> None:
    """Remove a role that nobody has or will have; seeded roles stay."""
    refuse_unless_administrator(actor)
    with transaction.atomic():
        hold_policy_lock()
        stored = selectors.get_role(role.name)
        if stored.is_system:
            raise Conflict("This role comes with chatsec.", code="protected_role")
        # The row's lock keeps assignments out until it is gone.
        Role.objects.select_for_update(of=("self",)).get(pk=stored.pk)
        now = timezone.now()
        live = Q(valid_until__isnull=True) | Q(valid_until__gt=now)
        if stored.assignments.filter(live, revoked_at__isnull=True).exists():
            raise Conflict("Somebody has this role.", code="role_in_use")
        if stored.heir_links.exists():
            raise Conflict("Another role inherits it.", code="role_in_use")
        before = definition_of(stored)
        record(
            ROLE_DELETED,
            actor=actor,
            target=Target("role", stored.id, stored.name),
            details={"role": stored.name, "before": _evidence(before)},
        )
        stored.delete()
    selectors.release_stamp(actor.person)


def validated(definition: RoleDefinition) -> RoleDefinition:
    """Return the definition in its stored form; raise Invalid naming each field."""
    problems: dict[str, list[str]] = {}
    try:
        ROLE_NAME(definition.name)
    except ValidationError as error:
        problems["name"] = list(error.messages)
    label = definition.label.strip() or definition.name.replace("_", " ").capitalize()
    if len(label) > 100 or "\x00" in label:
        problems["label"] = ["At most 100 characters of text."]
    if len(definition.description) > 1000 or "\x00" in definition.description:
        problems["description"] = ["At most 1000 characters of text."]
    if len(definition.grants) > MAX_GRANTS:
        problems["grants"] = [f"At most {MAX_GRANTS} grants."]
    grants = []
    for number, grant in enumerate(definition.grants[:MAX_GRANTS]):
        for name, messages in problems_of(grant).items():
            problems[f"grants.{number}.{name}"] = messages
        grants.append(_stored_form(grant))
    if problems:
        raise Invalid("The role is not valid.", fields=problems)
    return RoleDefinition(
        name=definition.name,
        label=label,
        description=definition.description,
        inherits=tuple(dict.fromkeys(definition.inherits)),
        grants=tuple(dict.fromkeys(grants)),
    )


def problems_of(grant: GrantDefinition) -> dict[str, list[str]]:
    """Return what is wrong with the grant, per field."""
    problems: dict[str, list[str]] = {}
    if not is_code_or_pattern(bare_code(grant.permission)):
        problems["permission"] = [
            "A code like read_sales, a pattern like read_*, or *."
        ]
    if grant.effect not in RoleGrant.Effect.values:
        problems["effect"] = ["allow or deny."]
    for name, text in (
        ("condition", grant.condition),
        ("row_filter", grant.row_filter),
    ):
        if text.strip() and (message := _condition_problem(text)):
            problems[name] = [message]
    if grant.columns is not None and not all(map(COLUMN.match, grant.columns)):
        problems["columns"] = ["Names of columns, or nothing for all."]
    return problems


def _condition_problem(text: str) -> str:
    try:
        parse_condition(text.strip())
    except ConditionError as error:
        return str(error)
    return ""


def _stored_form(grant: GrantDefinition) -> GrantDefinition:
    return GrantDefinition(
        permission=bare_code(grant.permission),
        effect=grant.effect,
        condition=grant.condition.strip(),
        row_filter=grant.row_filter.strip(),
        columns=None if grant.columns is None else tuple(sorted(set(grant.columns))),
        requires_step_up=grant.requires_step_up,
    )


def _refuse_unknown(definition: RoleDefinition) -> None:
    problems: dict[str, list[str]] = {}
    unknown_roles = set(definition.inherits) - selectors.known_roles(
        definition.inherits
    )
    if unknown_roles:
        problems["inherits"] = [f"There is no role {name}." for name in unknown_roles]
    codes = set(selectors.list_codes())
    for number, grant in enumerate(definition.grants):
        if not is_pattern(grant.permission) and grant.permission not in codes:
            text = f"There is no permission {grant.permission}."
            problems[f"grants.{number}.permission"] = [text]
    if problems:
        raise Invalid("The role is not valid.", fields=problems)


def _write(role: Role, definition: RoleDefinition) -> None:
    RoleGrant.objects.bulk_create(
        RoleGrant(
            role=role,
            code=grant.permission,
            effect=grant.effect,
            condition=grant.condition,
            row_filter=grant.row_filter,
            columns=None if grant.columns is None else list(grant.columns),
            requires_step_up=grant.requires_step_up,
        )
        for grant in definition.grants
    )
    parents = Role.objects.filter(name__in=definition.inherits)
    try:
        with transaction.atomic():
            RoleParent.objects.bulk_create(
                RoleParent(role=role, parent=parent) for parent in parents
            )
    except IntegrityError as error:
        if "inherit" not in str(error) and "not_itself" not in str(error):
            raise
        raise Invalid(
            "A role cannot inherit from itself.",
            code="role_cycle",
            fields={"inherits": ["This would make a circle."]},
        ) from error


def _refuse_gift(actor: Actor, role: Role) -> None:
    """Check the stored outcome, inherited grants included; a refusal rolls back."""
    selectors.release_stamp(actor.person)
    compiled = selectors.current_snapshot().roles[role.name]
    refuse_more_than_held(actor, [item.grant for item in compiled.held])


def _refuse_protected(role: Role) -> None:
    if role.name == ADMIN_ROLE:
        raise Conflict("The administrator's role is fixed.", code="protected_role")


def _evidence(definition: RoleDefinition) -> dict[str, Json]:
    return {
        "inherits": list(definition.inherits),
        "grants": [_evidence_of(grant) for grant in definition.grants],
    }


def _evidence_of(grant: GrantDefinition) -> dict[str, Json]:
    found: dict[str, Json] = {}
    for name, value in asdict(grant).items():
        if value not in ("", None, False):
            found[name] = list(value) if isinstance(value, tuple) else value
    return found
