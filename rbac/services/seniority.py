"""Whose account somebody may administer: nobody's who administers more than he does.

Whoever can change an account's address or take its factors away can become its owner.
So that gives what the owner holds, and the rule for giving holds: nobody gives what he
does not hold himself. For what administers, that is: else nobody could help anybody.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace

from django.utils import timezone

from chatsec.core.context import Actor, Person, current_actor
from chatsec.core.errors import Denied
from rbac import selectors
from rbac.constants import ADMINISTRATIVE_CODES, MANAGE_ROLES
from rbac.governance_selectors import list_eligible_roles
from rbac.policy import Grant
from rbac.policy.roles import covers
from rbac.services import delegation
from rbac.services.deciding import check_permission

# What conditions and row filters ask about somebody, and the door to the admin site.
ATTRIBUTES = frozenset(
    {"department", "region", "team", "manager", "approval_limit", "is_staff"}
)


def refuse_managing(person: Person, columns: Collection[str]) -> None:
    """Raise Denied unless the actor may change these columns of the account.

    Roles that the account is going to have count as well, and emergency roles that its
    owner may activate. Of his own, nobody changes what decides which rows he sees,
    unless he gives out roles anyway.
    """
    actor = current_actor()
    if not _is_bound(actor):
        return
    if actor.id == person.id:
        _refuse_own(actor, columns)
        return
    held = delegation.grants_held(actor)
    delegation.refuse_beyond(held, _administration_of(_lines_of(person)))
    # Once more as he would be in an emergency: its denials must not hide the rest.
    names = list_eligible_roles(person.id, now=timezone.now()).values_list("name")
    if emergency := _lines_of_roles(name for (name,) in names):
        lines = [*_lines_of(person), *emergency]
        delegation.refuse_beyond(held, _administration_of(lines))


def refuse_lending(person: Person, codes: Collection[str]) -> None:
    """Raise Denied unless the actor holds himself what a key of the account would."""
    actor = current_actor()
    if not _is_bound(actor) or actor.id == person.id:
        return
    lines = _lines_of(person)
    lent = [
        replace(line, code=code)
        for line in lines
        for code in codes
        if line.effect == "allow" and covers(line.code, code)
    ]
    denied = [line for line in lines if line.effect == "deny"]
    delegation.refuse_beyond(delegation.grants_held(actor), [*lent, *denied])


def _is_bound(actor: Actor) -> bool:
    """Whether somebody acts; a stranger who follows a mailed link is its owner."""
    return actor.is_signed_in


def _refuse_own(actor: Actor, columns: Collection[str]) -> None:
    """Keep whoever manages people from writing what his own rows hang on."""
    own = sorted(ATTRIBUTES & set(columns))
    if own and not check_permission(actor, MANAGE_ROLES):
        raise Denied(
            f"Somebody else has to change your own {', '.join(own)}.",
            code="own_attributes",
        )


def _administration_of(lines: Iterable[Grant]) -> list[Grant]:
    return [each for each in lines if each.effect == "deny" or _administers(each.code)]


def _lines_of(person: Person) -> list[Grant]:
    """Return the lines of every role that the person has or is going to have."""
    live = selectors.list_live_assignments(person.id, now=timezone.now())
    return _lines_of_roles(live.values_list("role__name", flat=True))


def _lines_of_roles(names: Iterable[str]) -> list[Grant]:
    entry = selectors.current_snapshot().entry(names)
    return [item.grant for item in entry.held]


def _administers(code: str) -> bool:
    """Whether it runs the installation: by a code of its own, or in the admin site."""
    return "." in code or any(covers(code, each) for each in ADMINISTRATIVE_CODES)
