"""Who of a provider's people may come in, and who gets an account by it."""

import pytest

from accounts.models import AuthSession, User
from accounts.tests.factories import (
    make_identity,
    make_provider,
    make_user,
)
from accounts.tests.provider import (
    SUBJECT,
    problems,
    sign_in,
)

pytestmark = pytest.mark.django_db


def domain_provider(acme, **more):
    return make_provider(acme.issuer, allowed_domains=["acme.example"], **more)


@pytest.mark.parametrize(
    ("claims", "allowed"),
    [
        ({"email": "a@acme.example", "email_verified": True}, True),
        ({"email": "a@ACME.example", "email_verified": True}, True),
        ({"email": "a@acme.example", "email_verified": "true"}, False),
        ({"email": "a@acme.example"}, False),
        ({"email": "a@evil.example", "email_verified": True}, False),
        ({"email": "a@sub.acme.example", "email_verified": True}, False),
        ({"email": "a@acme.example@evil.example", "email_verified": True}, False),
        ({}, False),
    ],
)
def test_allowed_domains_are_held_against_a_verified_address(
    client, acme, claims, allowed
):
    make_identity(make_user("alice"), domain_provider(acme))
    acme.claims = claims

    assert sign_in(client).status_code == (302 if allowed else 401)


@pytest.mark.parametrize(("sub", "status"), [(SUBJECT, 302), ("somebody-else", 401)])
def test_the_address_may_come_from_userinfo_about_the_same_person(
    client, acme, sub, status
):
    make_identity(make_user("alice"), domain_provider(acme))
    acme.userinfo = {"sub": sub, "email": "a@acme.example", "email_verified": True}

    assert sign_in(client).status_code == status


def test_userinfo_says_who_somebody_is_and_never_how_he_signed_in(client, acme):
    """Only the signed token does: this one is a profile, as old as it may be."""
    make_identity(make_user("alice"), domain_provider(acme, factor_amr=["mfa"]))
    acme.claims = {"sid": None}
    acme.userinfo = {
        "email": "a@acme.example",
        "email_verified": True,
        "amr": ["mfa"],
        "acr": "mfa",
        "sid": "of another",
    }

    assert sign_in(client).status_code == 302

    session = AuthSession.objects.get()
    assert session.amr == ["fed"]
    assert session.origin.sid_digest is None


def test_an_address_is_verified_by_who_told_it(client, acme):
    make_identity(make_user("alice"), domain_provider(acme))
    acme.claims = {"email_verified": True}
    acme.userinfo = {"email": "a@acme.example", "email_verified": False}

    assert sign_in(client).status_code == 401


def test_first_sign_in_makes_an_account_where_that_is_wanted(client, acme):
    domain_provider(acme, makes_accounts=True)
    make_user("zoe")
    acme.claims = {
        "email": "zoe@acme.example",
        "email_verified": True,
        "name": "Zoe Zebra",
        "preferred_username": "Zoë.Z@acme.example",
    }

    assert sign_in(client).status_code == 302

    made = User.objects.get(username__startswith="zo-.z")
    assert made.email == "zoe@acme.example"
    assert made.display_name == "Zoe Zebra"
    assert not made.has_usable_password()
    assert not made.is_staff
    assert sign_in(client).status_code == 302
    assert User.objects.count() == 2


def test_first_sign_in_takes_nobodys_account_over(client, acme):
    domain_provider(acme, makes_accounts=True)
    owner = make_user("zoe", email="zoe@acme.example")
    acme.claims = {"email": "ZOE@acme.example", "email_verified": True}

    answer = sign_in(client)

    assert answer.status_code == 401
    assert not owner.identities.exists()
    assert User.objects.count() == 1


def test_no_account_is_made_unless_that_is_switched_on(client, acme):
    domain_provider(acme)
    acme.claims = {"email": "zoe@acme.example", "email_verified": True}

    assert sign_in(client).status_code == 401
    assert not User.objects.exists()


@pytest.mark.parametrize("verified", [False, None, "true"])
def test_no_account_is_made_for_an_address_that_nobody_checked(client, acme, verified):
    make_provider(acme.issuer, makes_accounts=True)
    acme.claims = {"email": "zoe@acme.example", "email_verified": verified}

    assert sign_in(client).status_code == 401
    assert problems() == ["no verified address"]
    assert not User.objects.exists()
