"""chatsec with holes put in: what the proofs beside this must notice.

Served in place of `chatsec.wsgi` to see whether a proof can fail at all.
"""

# mypy: ignore-errors
# It breaks on purpose what the types promise.

from __future__ import annotations

import os
import time
from collections.abc import Callable

from chatsec.wsgi import application

__all__ = ["application"]

COMMIT_SECONDS = 0.03


def no_row_locks() -> None:
    """Let everybody who reads a row to change it read it at once.

    What is changed is seen late, so that not chance decides who reads before that.
    """
    from django.db.backends.base.base import BaseDatabaseWrapper
    from django.db.models import QuerySet

    commit = BaseDatabaseWrapper._commit

    def commit_late(connection):
        time.sleep(COMMIT_SECONDS)
        return commit(connection)

    QuerySet.select_for_update = lambda rows, **_: rows
    BaseDatabaseWrapper._commit = commit_late


def sessions_kept() -> None:
    """Believe a session once seen, as a process with a cache of its own would."""
    from accounts import selectors
    from accounts.api import authentication

    asked = selectors.find_live_session
    known = {}

    def find(session_id, *, user_id, now):
        if session_id not in known:
            known[session_id] = asked(session_id, user_id=user_id, now=now)
        return known[session_id]

    authentication.find_live_session = find


def sessions_revived() -> None:
    """Write a browser's session also where it is gone, and believe in what it says."""
    from django.contrib.sessions.backends.base import UpdateError

    from accounts import middleware
    from accounts.session_store import SessionStore

    save = SessionStore.save

    def save_anyhow(store, **how):
        try:
            save(store, **how)
        except UpdateError:
            save(store, must_create=True)

    SessionStore.save = save_anyhow
    middleware.signs_in = lambda *_args, **_times: True


def signatures_ignored() -> None:
    """Read tokens without checking who signed them."""
    import jwt

    from accounts import access_tokens

    def decode(token, *_args, **_options):
        return jwt.api_jwt.decode(token, options={"verify_signature": False})

    access_tokens.jwt.decode = decode
    access_tokens._public_key = lambda _header: None


def no_work_for_nobody() -> None:
    """Answer at once where there is no password to compare."""
    from accounts import backends, constants

    backends.make_password = lambda _password: ""
    constants.FAILURE_ANSWER_SECONDS = 0


FLAWS: dict[str, Callable[[], None]] = {
    flaw.__name__: flaw
    for flaw in (
        no_row_locks,
        sessions_kept,
        sessions_revived,
        signatures_ignored,
        no_work_for_nobody,
    )
}

for name in os.environ.get("CHATSEC_TEST_FLAWS", "").split(","):
    FLAWS[name]()
