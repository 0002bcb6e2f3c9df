"""Words that the tests of governance share."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from chatsec.core.context import SYSTEM, Actor, ActorKind
from chatsec.core.errors import DomainError
from rbac.services.roles import GrantDefinition, RoleDefinition, create_role
from tests.waiting import until_it_waits_or_ends

SECOND_FACTOR = ("pwd", "otp", "mfa")


def acting(user, *, amr=SECOND_FACTOR, stepped_up=None):
    """Return the person as signed in; each call is another session of his."""
    return Actor(
        kind=ActorKind.USER,
        person=user,
        amr=amr,
        stepped_up_at=timezone.now() - stepped_up if stepped_up is not None else None,
    )


def role_of(name, *codes, inherits=(), deny=(), **flags):
    """Return a definition that allows and denies whole codes."""
    grants = [GrantDefinition(permission=code) for code in codes]
    grants += [GrantDefinition(permission=code, effect="deny") for code in deny]
    return RoleDefinition(
        name=name, inherits=tuple(inherits), grants=tuple(grants), **flags
    )


def make_role(name, *codes, **terms):
    """Return a stored role of the system's making."""
    return create_role(SYSTEM, definition=role_of(name, *codes, **terms))


def race(*acts):
    """Run the acts at once on connections of their own; return what each came to."""
    barrier = threading.Barrier(len(acts))

    def run(act):
        try:
            barrier.wait(timeout=10)
            return act()
        except (DomainError, IntegrityError) as error:
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(run, acts))


def after_commit_of(first, second):
    """Start `second` while `first` is not committed; return what it came to then."""
    outcomes = []
    with transaction.atomic():
        first()
        waiting = threading.Thread(target=lambda: outcomes.extend(race(second)))
        waiting.start()
        until_it_waits_or_ends(waiting)
        assert waiting.is_alive(), "it did not wait"
    waiting.join(timeout=20)
    return outcomes[0]
