"""API keys for tests, made by the same service as real ones."""

from __future__ import annotations

from rest_framework.test import APIClient

from accounts.models import User
from accounts.services.api_keys import KeyTerms, MadeKey, make_own_key
from accounts.services.proof import record_password_confirmation
from accounts.tests.factories import make_session


def made_for(user: User, *scopes: str, **terms: object) -> MadeKey:
    """Return a new key of the user, by default one that reads sales."""
    session = make_session(user, stepped_up=True)
    record_password_confirmation(session)
    wanted = KeyTerms(name="report", scopes=scopes or ["read_sales"], **terms)  # type: ignore[arg-type]  # of its fields
    return make_own_key(session, wanted)


def with_key(text: str, **extra: object) -> APIClient:
    """Return a client that sends the key with each request."""
    client = APIClient(**extra)  # type: ignore[arg-type]  # goes into the environ
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {text}")
    return client
