"""Who sets a new password may end his API keys with it."""

import pytest
from django.test import Client

from accounts.notices import PASSWORD_RESET_ASKED
from accounts.services.passwords import ask_reset
from accounts.tests.factories import PASSWORD
from accounts.tests.keys import made_for
from accounts.tests.links import mailed_token
from accounts.tests.test_password_pages import TWICE

pytestmark = pytest.mark.django_db


# Keys are no session: whoever thinks that somebody else was in ends them too.
def test_the_reset_page_offers_to_end_keys(bob):
    key = made_for(bob).key
    ask_reset("bob")
    form = {"token": mailed_token(bob, kind=PASSWORD_RESET_ASKED), **TWICE}

    shown = Client().get("/password/reset", {"token": form["token"]})
    done = Client().post("/password/reset", {**form, "end_keys": "on"})

    assert 'name="end_keys"' in shown.content.decode()
    assert done.status_code == 302
    key.refresh_from_db()
    assert key.revoked_because == "password_set"


def test_who_has_no_key_is_not_asked_about_keys(bob, browser):
    ask_reset("bob")
    token = mailed_token(bob, kind=PASSWORD_RESET_ASKED)

    for page in (
        Client().get("/password/reset", {"token": token}),
        browser(bob).get("/account/password"),
    ):
        assert "end_keys" not in page.content.decode()


@pytest.mark.parametrize("ended", [True, False])
def test_changing_ends_keys_only_if_asked_to(bob, browser, ended):
    key = made_for(bob).key
    sent = {"current": PASSWORD, **TWICE, **({"end_keys": "on"} if ended else {})}
    client = browser(bob)

    assert 'name="end_keys"' in client.get("/account/password").content.decode()
    assert client.post("/account/password", sent).status_code == 302

    key.refresh_from_db()
    assert (key.revoked_at is not None) is ended
