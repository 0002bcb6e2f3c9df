"""Nobody gives what he does not hold: grants compared line by line.

The comparison errs on the side of refusal. A limited line (condition, rows, columns,
fresh factor) is held only with the same limit; what one of the giver's roles denies him
he holds only together with the same denial; lifting a denial gives what it denied.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from django.db.models import Q
from django.utils import timezone

from chatsec.core.context import Actor, ActorKind
from chatsec.core.errors import Denied
from rbac import selectors
from rbac.policy import Grant, Snapshot
from rbac.policy.compilation import CompiledRole
from rbac.policy.roles import covers, is_pattern
from rbac.services.deciding import entry_of

Grants = Sequence[Grant]


def is_unbounded(actor: Actor) -> bool:
    """Whether no rule of delegation binds the actor: the system itself."""
    return actor.kind is ActorKind.SYSTEM


def grants_held(actor: Actor) -> Grants:
    """Return what the actor holds now; what a key or app holds is not its to give."""
    if actor.scopes is not None:
        return ()
    return tuple(item.grant for item in entry_of(actor).held)


def grants_held_until(actor: Actor, end: datetime | None) -> Grants:
    """Return what the actor holds now and at least until `end`; None is for good."""
    person = actor.person
    if person is None or not person.is_active or actor.scopes is not None:
        return ()
    now = timezone.now()
    live = selectors.list_live_assignments(person.id, now=now)
    lasts = Q(valid_until__isnull=True)
    if end is not None:
        lasts |= Q(valid_until__gte=end)
    allowing = live.filter(lasts, valid_from__lte=now)
    policy = selectors.current_snapshot()
    held = policy.entry(allowing.values_list("role__name", flat=True)).held
    # What ends sooner still denies as long as it lasts.
    every = policy.entry(live.values_list("role__name", flat=True)).held
    denies = tuple(item.grant for item in every if item.grant.effect == "deny")
    return (*(item.grant for item in held if item.grant.effect == "allow"), *denies)


def grants_of(role: CompiledRole | None) -> Grants:
    """Return the role's own and inherited lines; none for a role that is not there."""
    return tuple(item.grant for item in role.held) if role is not None else ()


def heirs_by_parent(policy: Snapshot) -> Mapping[str, list[str]]:
    """Return who inherits directly from each role.

    Read from the stored parents: asking for closures would compile every role.
    """
    heirs: dict[str, list[str]] = defaultdict(list)
    for role in policy.roles.stored.values():
        for parent in role.parents:
            heirs[parent].append(role.name)
    return heirs


def heirs_of(heirs: Mapping[str, list[str]], names: Collection[str]) -> frozenset[str]:
    """Return the roles that have one of these, themselves included."""
    found, pending = set(names), [*names]
    while pending:
        for heir in heirs.get(pending.pop(), ()):
            if heir not in found:
                found.add(heir)
                pending.append(heir)
    return frozenset(found)


def refuse_beyond(held: Grants, wanted: Grants) -> None:
    """Raise Denied naming the first wanted line that is not among the held."""
    for grant in wanted:
        if grant.effect == "allow" and not _holds(held, grant, kept=wanted):
            raise Denied(
                f"You do not hold {grant.code} yourself, or not for so long.",
                code="exceeds_own_permissions",
                required=grant.code,
            )


def gained(before: Grants, after: Grants) -> Grants:
    """Return what the change adds: new allows with all denies, and lifted denials."""
    added = [
        grant
        for grant in after
        if grant.effect == "deny" or not _among(before, grant, effect="allow")
    ]
    return (*added, *lifted(before, after))


def lifted(before: Grants, after: Grants) -> Grants:
    """Return, as allows, the denials that no longer hold."""
    return tuple(
        replace(grant, effect="allow")
        for grant in before
        if grant.effect == "deny" and not _among(after, grant, effect="deny")
    )


def _holds(held: Grants, wanted: Grant, *, kept: Grants) -> bool:
    if not _among(held, wanted, effect="allow"):
        return False
    return all(
        _among(kept, deny, effect="deny")
        for deny in held
        if deny.effect == "deny" and _overlap(deny.code, wanted.code)
    )


def _among(lines: Iterable[Grant], wanted: Grant, *, effect: str) -> bool:
    return any(line.effect == effect and _includes(line, wanted) for line in lines)


def _includes(line: Grant, wanted: Grant) -> bool:
    covered = line.code == wanted.code or (
        is_pattern(line.code) and wanted.code.startswith(line.code[:-1])
    )
    return (
        covered
        and line.condition in (None, wanted.condition)
        and line.row_filter in (None, wanted.row_filter)
        and (line.columns is None or line.columns == wanted.columns)
        and (wanted.requires_step_up or not line.requires_step_up)
    )


def _overlap(one: str, other: str) -> bool:
    if is_pattern(one) and is_pattern(other):
        return one.startswith(other[:-1]) or other.startswith(one[:-1])
    return covers(one, other) or covers(other, one)
