"""An identity provider on loopback for whoever signs in by one."""

from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from accounts.tests.provider import Provider, running_provider


@pytest.fixture(scope="session")
def _serving() -> Iterator[Provider]:
    with running_provider() as provider:
        yield provider


@pytest.fixture
def acme(_serving, settings):
    """The provider, honest again, and allowed to be called."""
    from accounts.services import oidc

    _serving.__dict__.update(Provider(_serving.issuer).__dict__)
    settings.CHATSEC_OUTBOUND_ALLOWED = frozenset({urlsplit(_serving.issuer).netloc})
    oidc.forget_published()
    return _serving


@pytest.fixture
def provider(acme, db):
    """The provider as an administrator entered it here."""
    from accounts.tests.factories import make_provider

    return make_provider(acme.issuer)


@pytest.fixture
def linked(provider):
    """Alice, who linked her identity at the provider."""
    from accounts.tests.factories import make_identity, make_user

    alice = make_user("alice")
    make_identity(alice, provider)
    return alice
