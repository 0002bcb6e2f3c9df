"""The control: the same race with the library's own storage has many winners.

It shows that the harness finds such races, and why tokens are not kept there (ADR 13).
Once it fails, the library has mended it, and the decision can be looked at again.
"""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import psycopg2
import pytest
from django.conf import settings
from django.db import connection
from django.test import RequestFactory
from django.utils import timezone
from oauth2_provider.models import AccessToken, RefreshToken, set_token_value
from oauth2_provider.oauth2_validators import OAuth2Validator
from oauth2_provider.settings import oauth2_settings
from oauth2_provider.views import TokenView
from oauthlib.openid import Server

from accounts.tests.oauth.app import register
from accounts.tests.oauth.processes import race_processes

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.prove]

RUNNERS = 32
TRIALS = 10


class LibraryTokenView(TokenView):  # type: ignore[misc]  # untyped library
    """The library's view, server and validator; only the settings are ours."""

    @classmethod
    def get_server(cls):
        generators = {"token_generator": None, "refresh_token_generator": None}
        kwargs = {**oauth2_settings.server_kwargs, **generators}
        return Server(OAuth2Validator(), **kwargs)


@pytest.fixture
def _library_tables():
    """Let the library write, in this test's copy of the database."""
    owner = settings.DATABASES["owner"]
    raw = psycopg2.connect(
        dbname=connection.settings_dict["NAME"],
        user=owner["USER"],
        password=owner["PASSWORD"],
        host=owner["HOST"],
        port=owner["PORT"] or None,
    )
    with raw, raw.cursor() as cursor:
        for table in ("accesstoken", "refreshtoken"):
            cursor.execute(
                f"ALTER TABLE oauth2_provider_{table}"
                f" DROP CONSTRAINT {table}_is_not_used"
            )
    raw.close()


def issue(application, user):
    """Return a refresh token as the library keeps it."""
    access = AccessToken(
        user=user,
        application=application,
        scope="chat",
        expires=timezone.now() + timedelta(minutes=10),
    )
    set_token_value(access, uuid4().hex)
    access.save()
    refresh = RefreshToken(
        user=user, application=application, access_token=access, token_family=uuid4()
    )
    raw = uuid4().hex
    set_token_value(refresh, raw)
    refresh.save()
    return raw


@pytest.mark.usefixtures("_library_tables")
def test_of_the_librarys_parallel_refreshes_many_win(alice):
    application, _ = register()
    view = LibraryTokenView.as_view()

    def refresh(raw):
        form = {
            "grant_type": "refresh_token",
            "refresh_token": raw,
            "client_id": application.client_id,
        }
        return view(RequestFactory().post("/", form)).status_code

    winners = []
    for _trial in range(TRIALS):
        raw = issue(application, alice)
        answers = race_processes(RUNNERS, lambda: refresh(raw))  # noqa: B023 - at once
        winners.append(answers.count(200))

    print(f"winners of {RUNNERS} in {TRIALS} trials: {winners}")  # noqa: T201
    assert max(winners) > 1
