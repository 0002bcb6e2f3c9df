"""An invitation leads to a password and then to signing in."""

import pytest
from django.test import Client

from accounts.services.invitations import invite
from accounts.tests.links import mailed_token
from accounts.tests.test_password_pages import NEW, TWICE, path_of, shown

pytestmark = pytest.mark.django_db


def test_an_invitation_leads_to_signing_in():
    zoe = invite("zoe", email="zoe@example.org", display_name="Zoe Zander")
    client = Client()

    page = client.get(path_of(zoe))
    assert page.status_code == 200
    assert 'value="Zoe Zander"' in shown(page)
    assert "<strong>zoe</strong>" in shown(page)
    sent = {"token": mailed_token(zoe), "display_name": "Zoe Z.", **TWICE}
    answer = client.post("/invitation", sent)

    assert answer["Location"] == "/sign-in"
    assert (
        client.post("/sign-in", {"username": "zoe", "password": NEW}).status_code == 302
    )
    zoe.refresh_from_db()
    assert zoe.display_name == "Zoe Z."
    assert client.post("/invitation", sent).status_code == 400


def test_an_invitation_needs_a_name():
    zoe = invite("zoe", email="zoe@example.org")
    client = Client()

    page = client.post("/invitation", {"token": mailed_token(zoe), **TWICE})

    assert page.status_code == 400
    assert "Please enter your name" in shown(page)
    assert "Please enter your name" in shown(
        client.post(
            "/invitation",
            {"token": mailed_token(zoe), "display_name": "  ", **TWICE},
        )
    )
