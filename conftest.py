"""The database of the tests, and the cast.

Migrations run once as the owner into a template database; tests run as the application
role. A test that commits (`transaction=True`) gets a fresh copy of the template after
it, so audit tables are never truncated and the seeds of migrations are always there.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.conf import settings
from django.test import Client, TransactionTestCase
from hypothesis import settings as hypothesis_settings

from tests import database

# How long an example takes says how busy the machine is, and the first one reads lists.
hypothesis_settings.register_profile("suite", deadline=None)
hypothesis_settings.load_profile("suite")

# Requests make many objects and few cycles: to look for cycles after every 700 took a
# tenth of the time.
gc.set_threshold(100_000, 20, 50)


def pytest_collection_finish() -> None:
    """Let collections pass over what is there for good: modules and tests."""
    gc.freeze()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Say what stays with one worker of a parallel run, and what begins first."""
    from tests.scheduling import Scheduling

    if config.option.dist != "load":  # somebody asked for another way
        return None
    return Scheduling(config, log)


@pytest.fixture(scope="session")
def django_db_setup(django_db_blocker: Any) -> Iterator[None]:
    with django_db_blocker.unblock(), _no_collections():
        database.build_template()
    yield
    with django_db_blocker.unblock():
        database.drop_all()


@contextmanager
def _no_collections() -> Iterator[None]:
    """Collect once at the end: migrations hold on to nearly all that they make."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        gc.collect()
        gc.freeze()


def _fresh_copy(self: TransactionTestCase) -> None:
    database.copy_template()
    _forget_caches()


# Django would TRUNCATE; the application role may not, and evidence must not be.
setattr(TransactionTestCase, "_fixture_teardown", _fresh_copy)  # noqa: B010 - private, so unknown to the type stubs


def _forget_caches() -> None:
    from django.contrib.contenttypes.models import ContentType

    ContentType.objects.clear_cache()


@pytest.fixture(autouse=True)
def _clean_state() -> Iterator[None]:
    """Give every test its own context, caches and limits."""
    from django.core.cache import cache

    from chatsec.core import context, crypto

    cache.clear()
    crypto.subject_keys.cache_clear()
    _forget_caches()
    with context.bound(context.RequestContext()):
        yield


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let failed answers leave at once; the proof over real servers measures them."""
    from accounts import constants

    monkeypatch.setattr(constants, "RESET_ANSWER_SECONDS", 0)
    monkeypatch.setattr(constants, "FAILURE_ANSWER_SECONDS", 0)


def _person(username: str) -> Any:
    from tests.cast import make_person

    return make_person(username)


@pytest.fixture
def alice(db: None) -> Any:
    """Sales manager of the team that bob is in."""
    return _person("alice")


@pytest.fixture
def bob(db: None) -> Any:
    """Sales representative, alice's colleague."""
    return _person("bob")


@pytest.fixture
def carol(db: None) -> Any:
    """HR specialist with an authenticator app."""
    return _person("carol")


@pytest.fixture
def dan(db: None) -> Any:
    """Finance, with an authenticator app."""
    return _person("dan")


@pytest.fixture
def erin(db: None) -> Any:
    """An employee without any special role."""
    return _person("erin")


@pytest.fixture
def charlie(db: None) -> Any:
    """The stranger: signed in, no business with anybody's things."""
    return _person("charlie")


@pytest.fixture
def admin(db: None) -> Any:
    """An administrator, staff, with an authenticator app."""
    return _person("admin")


@pytest.fixture
def auditor(db: None) -> Any:
    """Staff who may read the audit log and do nothing else."""
    from accounts.tests.factories import make_user
    from rbac.tests.factories import give_role
    from rbac.tests.governing import make_role

    make_role("auditor", "view_audit")
    user = make_user("olivia", is_staff=True, totp=True)
    give_role(user, "auditor")
    return user


@pytest.fixture
def allow(db: None) -> Callable[..., None]:
    """Return what gives a person a role of these permissions alone."""
    from rbac.tests.factories import give_role
    from rbac.tests.governing import make_role

    def give(user: Any, *codes: str) -> None:
        make_role("given", *codes)
        give_role(user, "given")

    return give


@pytest.fixture
def api(db: None) -> Callable[..., Any]:
    """Return a maker of API clients: anonymous, or with a real access token."""
    from rest_framework.test import APIClient

    def client_for(user: Any = None, *, stepped_up: bool = False) -> APIClient:
        client = APIClient()
        if user is not None:
            from accounts.tests.factories import access_token

            token = access_token(user, stepped_up=stepped_up)
            client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
        return client

    return client_for


@pytest.fixture
def browser(db: None) -> Callable[..., Client]:
    """Return a maker of browser clients with a real signed-in session."""
    from accounts.tests.factories import sign_in_browser

    def client_for(user: Any, *, stepped_up: bool = False) -> Client:
        return sign_in_browser(Client(), user, stepped_up=stepped_up)

    return client_for


@pytest.fixture
def office(browser: Callable[..., Client], admin: Any) -> Client:
    """Return the browser of an administrator who just gave a second factor."""
    return browser(admin, stepped_up=True)


@pytest.fixture(scope="session")
def business(django_db_setup: None) -> str:
    """Return the read-only URL of a small demo business database."""
    from chatsec.demo.business import seed_business

    seed_business(settings.BUSINESS_OWNER_DATABASE_URL, sales=2000)
    return settings.BUSINESS_DATABASE_URL


@pytest.fixture
def catalogue(db: None, business: str) -> None:
    """Publish the demo catalogue over the small business database."""
    from chat.tests.factories import publish_demo_catalogue

    publish_demo_catalogue(business)
