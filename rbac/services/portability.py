"""The policy out to a document and in again: compared, checked, in one piece."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from accounts.models import User
from chatsec.core.context import Actor
from chatsec.core.errors import Conflict, Denied, Invalid, NotFound
from rbac import selectors
from rbac.models import Assignment, Role, SodRule
from rbac.services.assignments import (
    assignable_role,
    end_assignment,
    insert_assignment,
    locked_assignment,
    refuse_period,
    refuse_role_beyond,
    refuse_taking,
)
from rbac.services.changes import policy_change
from rbac.services.documents import (
    AssignmentDefinition,
    PolicyDocument,
    SodDefinition,
    write_document,
)
from rbac.services.governance import cleaned_reason, refuse_unless_administrator
from rbac.services.roles import (
    RoleDefinition,
    definition_of,
    insert_roles,
    remove_role,
    validated,
    write_roles,
)
from rbac.services.separation import insert_sod_rule, remove_sod_rule

Roles = Mapping[str, RoleDefinition]


def current_document(*, assignments: str = "without") -> PolicyDocument:
    """Return the policy as stored; `assignments="with"` adds who has which role."""
    return PolicyDocument(
        roles=tuple(definition_of(role) for role in selectors.list_roles()),
        sod_rules=tuple(sorted(_stored_rules())),
        assignments=(tuple(_stored_assignments()) if assignments == "with" else None),
    )


def difference(before: PolicyDocument, after: PolicyDocument) -> list[str]:
    """Return lines of what would change: + new, - gone, ~ changed role."""
    old, new = _by_name(before.roles), _by_name(after.roles)
    lines: list[str] = []
    for name in sorted({*old, *new}):
        if name not in new:
            lines.append(f"- role {name}")
        elif name not in old:
            lines.append(f"+ role {name}")
            blank = replace(new[name], inherits=(), grants=(), is_break_glass=False)
            lines.extend(_inside(blank, new[name]))
        elif _comparable(old[name]) != _comparable(new[name]):
            lines.append(f"~ role {name}")
            lines.extend(_inside(old[name], new[name]))
    for sign, one, other in (("-", before, after), ("+", after, before)):
        gone = set(one.sod_rules) - set(other.sod_rules)
        lines.extend(
            f"{sign} keep apart {rule.role_a} and {rule.role_b}: {rule.reason}"
            for rule in sorted(gone)
        )
    if after.assignments is not None:
        lines.extend(_assignment_lines(before.assignments or (), after.assignments))
    return lines


def import_policy(
    actor: Actor, *, document: PolicyDocument, mode: str = "apply"
) -> list[str]:
    """Make the policy what the document says, or refuse it whole; return the changes.

    `mode="dry_run"` checks everything the same way and leaves nothing behind. The rules
    of delegation hold as for any other edit.
    """
    refuse_unless_administrator(actor)
    stored = _by_name(current_document().roles)
    said = _with_factors(document, stored)
    roles = _by_name(tuple(_valid(role) for role in said))
    document = replace(document, roles=tuple(roles.values()))
    edited = [
        name
        for name in {*stored, *roles}
        if name not in stored
        or name not in roles
        or _comparable(stored[name]) != _comparable(roles[name])
    ]
    with transaction.atomic():
        with policy_change(actor, edited=edited):
            before = current_document(assignments="with")
            if _by_name(before.roles) != stored:
                raise Conflict("The policy changed meanwhile.", code="policy_changed")
            lines = difference(before, document)
            _import_roles(actor, stored, {name: roles.get(name) for name in edited})
            _import_rules(actor, before.sod_rules, document.sod_rules)
            _remove_roles(actor, [name for name in edited if name not in roles])
            if document.assignments is not None:
                _import_assignments(actor, document.assignments)
        if mode != "apply":
            transaction.set_rollback(True)
    selectors.release_stamp(actor.person)
    return lines


def export_text(*, assignments: str = "without") -> str:
    """Return the stored policy as YAML."""
    return write_document(current_document(assignments=assignments))


def _with_factors(document: PolicyDocument, stored: Roles) -> Iterator[RoleDefinition]:
    """Yield the document's roles; where it is silent on factors, as they are stored."""
    for role in document.roles:
        before = stored.get(role.name)
        if role.name in document.silent_on_factors and before is not None:
            yield replace(role, requires_factor=before.requires_factor)
        else:
            yield role


def _valid(role: RoleDefinition) -> RoleDefinition:
    try:
        return validated(role)
    except Invalid as error:
        problems = "; ".join(
            f"{name}: {' '.join(texts)}" for name, texts in error.fields.items()
        )
        text = f"Role {role.name[:63]!r}: {problems}"
        raise Invalid(text, fields=error.fields) from error


def _import_roles(
    actor: Actor, stored: Roles, wanted: Mapping[str, RoleDefinition | None]
) -> None:
    changes = {
        name: (stored.get(name), role)
        for name, role in sorted(wanted.items())
        if role is not None
    }
    insert_roles(after for before, after in changes.values() if before is None)
    write_roles(actor, changes)


def _remove_roles(actor: Actor, names: list[str]) -> None:
    """Delete heirs before what they inherit from."""
    waiting = {role.name: role for role in Role.objects.filter(name__in=names)}
    while waiting:
        free = [
            role
            for role in waiting.values()
            if not role.heir_links.filter(role__name__in=list(waiting)).exists()
        ]
        for role in free:
            remove_role(actor, role=role)
            del waiting[role.name]


def _import_rules(
    actor: Actor, before: tuple[SodDefinition, ...], after: tuple[SodDefinition, ...]
) -> None:
    gone, new = set(before) - set(after), set(after) - set(before)
    for rule in SodRule.objects.select_related("role_a", "role_b"):
        if _rule(rule) not in gone:
            continue
        for role in (rule.role_a, rule.role_b):
            refuse_role_beyond(actor, role, until=timezone.now())
        remove_sod_rule(actor, rule=rule)
    for wanted in sorted(new):
        insert_sod_rule(
            actor,
            role_a=wanted.role_a,
            role_b=wanted.role_b,
            reason=cleaned_reason(wanted.reason),
        )


def _import_assignments(actor: Actor, wanted: tuple[AssignmentDefinition, ...]) -> None:
    stored = {_key(_assignment(row)): row for row in _live_assignments()}
    keys = {_key(each) for each in wanted}
    for key in stored.keys() - keys:
        row = locked_assignment(stored[key].pk)
        refuse_taking(actor, row)
        end_assignment(actor, assignment=row, reason="not in the imported policy")
    for each in wanted:
        if _key(each) in stored:
            continue
        user = User.objects.filter(username=each.user).first()
        if user is None:
            raise NotFound(f"There is no user {each.user!r}.")
        if actor.id is not None and actor.id == user.pk:
            raise Denied("Somebody else must give you a role.", code="own_assignment")
        role = assignable_role(each.role)
        if role.is_break_glass:
            text = f"{each.role} is only activated in an emergency."
            raise Conflict(text, code="break_glass_role")
        refuse_period(each.valid_from, each.valid_until)
        refuse_role_beyond(actor, role, until=each.valid_until)
        insert_assignment(
            actor,
            user=user,
            role=role,
            reason=cleaned_reason(each.reason),
            period=(each.valid_from, each.valid_until),
        )


def _stored_rules() -> Iterator[SodDefinition]:
    for rule in SodRule.objects.select_related("role_a", "role_b"):
        yield _rule(rule)


def _rule(rule: SodRule) -> SodDefinition:
    one, other = sorted((rule.role_a.name, rule.role_b.name))
    return SodDefinition(one, other, rule.reason)


def _live_assignments() -> QuerySet[Assignment, Assignment]:
    """Return what counts now or later, emergencies left out: they end by themselves."""
    return (
        Assignment.objects.filter(
            Q(valid_until__isnull=True) | Q(valid_until__gt=timezone.now()),
            revoked_at__isnull=True,
            break_glass__isnull=True,
        )
        .select_related("user", "role")
        .order_by("user__username", "role__name", "valid_from")
    )


def _stored_assignments() -> Iterator[AssignmentDefinition]:
    for row in _live_assignments().iterator(chunk_size=500):
        yield _assignment(row)


def _assignment(row: Assignment) -> AssignmentDefinition:
    return AssignmentDefinition(
        user=row.user.username,
        role=row.role.name,
        valid_from=row.valid_from,
        valid_until=row.valid_until,
        reason=row.reason,
    )


def _key(row: AssignmentDefinition) -> tuple[str, str, datetime, datetime | None]:
    return (row.user, row.role, row.valid_from, row.valid_until)


def _assignment_lines(
    before: tuple[AssignmentDefinition, ...], after: tuple[AssignmentDefinition, ...]
) -> Iterator[str]:
    old, new = {_key(each) for each in before}, {_key(each) for each in after}
    for sign, keys in (("-", old - new), ("+", new - old)):
        for user, role, start, end in sorted(keys, key=str):
            until = f" until {end.isoformat()}" if end else ""
            yield f"{sign} {user} has {role} from {start.isoformat()}{until}"


def _by_name(roles: tuple[RoleDefinition, ...]) -> dict[str, RoleDefinition]:
    return {role.name: role for role in sorted(roles, key=lambda each: each.name)}


def _comparable(role: RoleDefinition) -> tuple[object, ...]:
    return (
        role.label.strip(),
        role.description,
        frozenset(role.inherits),
        frozenset(role.grants),
        role.is_break_glass,
        role.requires_factor,
    )


def _inside(before: RoleDefinition, after: RoleDefinition) -> Iterator[str]:
    if (before.label, before.description) != (after.label, after.description):
        yield f"  ~ label or description: {after.label}"
    if before.is_break_glass != after.is_break_glass:
        yield f"  ~ break glass: {after.is_break_glass}"
    if before.requires_factor != after.requires_factor:
        yield f"  ~ needs a second factor: {after.requires_factor}"
    for sign, one, other in (("-", before, after), ("+", after, before)):
        for parent in sorted(set(one.inherits) - set(other.inherits)):
            yield f"  {sign} inherits {parent}"
        for grant in sorted(set(one.grants) - set(other.grants), key=str):
            yield f"  {sign} {_worded(grant)}"


def _worded(grant: object) -> str:
    names = ("effect", "permission", "condition", "row_filter", "columns")
    parts = [(name, getattr(grant, name)) for name in names]
    words = [str(value) for _, value in parts[:2]]
    words += [f"{name}={value}" for name, value in parts[2:] if value not in ("", None)]
    if getattr(grant, "requires_step_up", False):
        words.append("requires_step_up")
    return " ".join(words)
