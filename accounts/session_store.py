"""Browser sessions in PostgreSQL, found by a digest of the cookie's key.

Whoever reads the table cannot take a session over; the cache can be lost without
signing anybody out, or in again.
"""

from __future__ import annotations

from django.contrib.sessions.backends.base import CreateError, SessionBase, UpdateError
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.constants import SPENT_KEY_LIFE
from accounts.models import AuthSession, BrowserSession
from accounts.session_facts import keep_session_facts, privileges_of, with_session_facts
from accounts.session_keys import AUTH_SESSION_KEY
from chatsec.core.crypto import blind_index


def key_digest(session_key: str) -> str:
    """Return the digest under which the table knows a cookie's key."""
    return blind_index("accounts.browser_session", session_key).hex()


class SessionStore(SessionBase):
    """Loads the row with its device and user in one query; never revives a row."""

    # What the loaded row belongs to; None while nobody is signed in.
    auth_session: AuthSession | None = None
    # Changes when the person is given or loses something.
    privileges: str = ""
    # What a key that was replaced a moment ago belonged to: for signing out only.
    left_session: AuthSession | None = None

    def load(self) -> dict[str, object]:
        """Return what the session holds; nothing for an unknown or expired key."""
        rows = BrowserSession.objects.select_related("auth_session__user")
        row = (
            with_session_facts(rows, user="auth_session__user_id")
            .filter(
                key_digest=key_digest(self.session_key or ""),
                expires_at__gt=timezone.now(),
            )
            .first()
        )
        if row is not None and row.is_spent:
            self.left_session = row.auth_session
            row = None
        if row is None:
            # A key that the server did not give is not adopted (session fixation).
            self._session_key = None
            return {}
        self.auth_session = row.auth_session
        if row.auth_session is not None:
            keep_session_facts(row.auth_session.user, row)
            self.privileges = privileges_of(row)
        held: dict[str, object] = self.decode(row.content)
        return held

    def exists(self, session_key: str) -> bool:
        """Whether the key is taken."""
        return BrowserSession.objects.filter(
            key_digest=key_digest(session_key)
        ).exists()

    def create(self) -> None:
        """Save an empty session under a new key."""
        while True:
            self._session_key = self._get_new_session_key()  # type: ignore[attr-defined]  # not in the stubs
            try:
                self.save(must_create=True)
            except CreateError:
                continue
            self.modified = True
            return

    def save(self, must_create: bool = False) -> None:  # noqa: FBT001, FBT002 - Django's signature
        """Write the session; UpdateError if it was deleted in the meantime."""
        if self.session_key is None:
            self.create()
            return
        held = self._get_session(no_load=must_create)  # type: ignore[attr-defined]  # not in the stubs
        row = BrowserSession(
            key_digest=key_digest(self.session_key),
            auth_session_id=held.get(AUTH_SESSION_KEY),
            content=self.encode(held),
            expires_at=self.get_expiry_date(),
        )
        if must_create:
            self._insert(row)
            return
        # An UPDATE only: a request that still runs after sign-out revives nothing.
        rows = BrowserSession.objects.filter(key_digest=row.key_digest, is_spent=False)
        changed = rows.update(
            auth_session_id=row.auth_session_id,
            content=row.content,
            expires_at=row.expires_at,
        )
        if not changed:
            raise UpdateError

    def _insert(self, row: BrowserSession) -> None:
        try:
            with transaction.atomic():
                row.save(force_insert=True)
        except IntegrityError as error:
            raise CreateError from error

    def cycle_key(self) -> None:
        """Go on under a new key; the old one opens nothing, and still signs out.

        Were it deleted, a sign-out under way at this moment would find no session to
        end, and the one under the new key would live on.
        """
        old = self.session_key if self.get(AUTH_SESSION_KEY) else None
        if old is None:
            super().cycle_key()
            return
        held = self._get_session()  # type: ignore[attr-defined]  # not in the stubs
        self.create()
        self._session_cache = held
        BrowserSession.objects.filter(key_digest=key_digest(old)).update(
            is_spent=True, content="", expires_at=timezone.now() + SPENT_KEY_LIFE
        )

    def is_empty(self) -> bool:
        """Whether the browser should drop its cookie: not the one that it got just now.

        A request that was sent with the key before must not take the new one away.
        """
        return self.left_session is None and super().is_empty()

    def delete(self, session_key: str | None = None) -> None:
        """Delete the row: the cookie means nothing any more."""
        key = session_key or self.session_key
        if key is not None:
            BrowserSession.objects.filter(key_digest=key_digest(key)).delete()

    @classmethod
    def clear_expired(cls) -> None:
        """Delete rows past their time."""
        BrowserSession.objects.filter(expires_at__lt=timezone.now()).delete()
