"""Defining roles: validated as a whole, changed under one lock, with evidence."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
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
from rbac.models import ROLE_NAME, Role, RoleGrant, RoleParent, SodRule
from rbac.policy import ConditionError, parse_condition
from rbac.policy.masks import columns_problem
from rbac.policy.roles import bare_code, is_code_or_pattern, is_pattern
from rbac.services.changes import policy_change
from rbac.services.objects import drop_group

MAX_GRANTS = 500
WRITTEN = ("label", "description", "is_break_glass", "requires_factor")


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
    is_break_glass: bool = False
    requires_factor: bool = False


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
        is_break_glass=role.is_break_glass,
        requires_factor=role.requires_factor,
    )


def create_role(actor: Actor, *, definition: RoleDefinition) -> Role:
    """Store a new role; nobody has it yet."""
    definition = validated(definition)
    with policy_change(actor, edited=[definition.name]):
        if Role.objects.filter(name=definition.name).exists():
            raise Conflict("There is a role of this name.", code="role_exists")
        insert_roles([definition])
        write_roles(actor, {definition.name: (None, definition)})
    return selectors.get_role(definition.name)


def update_role(actor: Actor, *, role: Role, definition: RoleDefinition) -> Role:
    """Make the role what the definition says, in one step for everybody."""
    definition = validated(definition)
    with policy_change(actor, edited=[role.name]):
        stored = selectors.get_role(role.name)
        if definition.name != stored.name:
            raise Invalid(
                "A role keeps its name.", fields={"name": ["This does not change."]}
            )
        write_roles(actor, {stored.name: (definition_of(stored), definition)})
    return selectors.get_role(role.name)


def delete_role(actor: Actor, *, role: Role) -> None:
    """Remove a role that nobody has or will have; seeded roles stay."""
    with policy_change(actor, edited=[role.name]):
        remove_role(actor, role=selectors.get_role(role.name))


def insert_roles(definitions: Iterable[RoleDefinition]) -> None:
    """Store new roles without what they grant; `write_roles` comes next."""
    Role.objects.bulk_create(
        Role(name=each.name, label=each.label, description=each.description)
        for each in definitions
    )


def write_roles(
    actor: Actor,
    changes: Mapping[str, tuple[RoleDefinition | None, RoleDefinition]],
) -> None:
    """Make stored roles what is defined, all together; call in a change of policy.

    Each change is before and after; no before is a role just inserted.
    """
    for name, (_, after) in changes.items():
        if name == ADMIN_ROLE:
            raise Conflict("The administrator's role is fixed.", code="protected_role")
        _refuse_unknown(after)
    roles = {role.name: role for role in Role.objects.filter(name__in=list(changes))}
    RoleGrant.objects.filter(role__name__in=list(changes)).delete()
    RoleParent.objects.filter(role__name__in=list(changes)).delete()
    for name, (_, after) in changes.items():
        role = roles[name]
        _refuse_break_glass(role, after)
        role.label, role.description = after.label, after.description
        role.is_break_glass = after.is_break_glass
        role.requires_factor = after.requires_factor
        role.save(update_fields=WRITTEN)
        _write(role, after)
    _refuse_inherited_glass()
    for name, (before, after) in changes.items():
        record(
            ROLE_CREATED if before is None else ROLE_CHANGED,
            actor=actor,
            target=Target("role", roles[name].id, name),
            details={
                "role": name,
                "before": None if before is None else _evidence(before),
                "after": _evidence(after),
            },
        )


def remove_role(actor: Actor, *, role: Role) -> None:
    """Delete the role with its evidence; call in a change of policy."""
    if role.is_system:
        raise Conflict("This role comes with chatsec.", code="protected_role")
    # The row's lock keeps assignments out until it is gone.
    Role.objects.select_for_update(of=("self",)).get(pk=role.pk)
    now = timezone.now()
    live = Q(valid_until__isnull=True) | Q(valid_until__gt=now)
    eligible = role.eligible.filter(live, revoked_at__isnull=True)
    if (
        role.assignments.filter(live, revoked_at__isnull=True).exists()
        or eligible.exists()
    ):
        raise Conflict("Somebody has this role.", code="role_in_use")
    if role.heir_links.exists():
        raise Conflict("Another role inherits it.", code="role_in_use")
    if SodRule.objects.filter(Q(role_a=role) | Q(role_b=role)).exists():
        raise Conflict("A separation of duties names it.", code="role_in_use")
    record(
        ROLE_DELETED,
        actor=actor,
        target=Target("role", role.id, role.name),
        details={"role": role.name, "before": _evidence(definition_of(role))},
    )
    drop_group(role)
    role.delete()


def validated(definition: RoleDefinition) -> RoleDefinition:
    """Return the definition in its stored form; raise Invalid naming each field."""
    problems: dict[str, list[str]] = {}
    try:
        ROLE_NAME(definition.name)
    except ValidationError as error:
        problems["name"] = list(error.messages)
    name = definition.name.replace("_", " ").strip().capitalize()
    label = definition.label.strip() or name
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
        is_break_glass=definition.is_break_glass,
        requires_factor=definition.requires_factor,
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
    if grant.columns is not None and (
        message := columns_problem(grant.columns, effect=grant.effect)
    ):
        problems["columns"] = [message]
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


def _refuse_break_glass(role: Role, after: RoleDefinition) -> None:
    """Turn only a role that nobody simply has into one that is activated."""
    if not after.is_break_glass or role.is_break_glass:
        return
    if role.is_system:
        raise Conflict("This role comes with chatsec.", code="protected_role")
    live = Q(valid_until__isnull=True) | Q(valid_until__gt=timezone.now())
    if role.assignments.filter(live, revoked_at__isnull=True).exists():
        raise Conflict("Somebody has this role.", code="role_in_use")


def _refuse_inherited_glass() -> None:
    """Let no role give for good what is only meant for an emergency."""
    link = RoleParent.objects.filter(parent__is_break_glass=True)
    if (found := link.select_related("parent").first()) is not None:
        text = f"{found.parent.name} is only activated in an emergency."
        raise Invalid(text, code="break_glass_role", fields={"inherits": [text]})


def _evidence(definition: RoleDefinition) -> dict[str, Json]:
    return {
        "is_break_glass": definition.is_break_glass,
        "requires_factor": definition.requires_factor,
        "inherits": list(definition.inherits),
        "grants": [_evidence_of(grant) for grant in definition.grants],
    }


def _evidence_of(grant: GrantDefinition) -> dict[str, Json]:
    found: dict[str, Json] = {}
    for name, value in asdict(grant).items():
        if value not in ("", None, False):
            found[name] = list(value) if isinstance(value, tuple) else value
    return found
