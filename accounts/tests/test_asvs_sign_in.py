"""OWASP ASVS 5.0, V6.3 to V6.8 and V7, where no other test shows the whole of it.

Each test is named for the requirement that it shows.
"""

import random  # noqa: TID251 - to show that nothing follows it
import re
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.db import transaction
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.constants import (
    RECOVERY_CODE_ALPHABET,
    RECOVERY_CODE_LENGTH,
    SESSION_ABSOLUTE,
)
from accounts.models import AuthSession, ExternalIdentity, RecoveryCode, User
from accounts.selectors import list_live_sessions
from accounts.services import account_tokens, factors, identities, proof, tokens
from accounts.tests.factories import (
    PASSWORD,
    access_token,
    make_identity,
    make_provider,
    make_session,
    make_user,
    sign_in_browser,
    totp_code,
)
from accounts.tests.provider import sign_in, who

pytestmark = pytest.mark.django_db
OUT_OF_BAND = {"otp_email", "email", "sms", "phone", "push"}


def live(user):
    return list_live_sessions(user, now=timezone.now()).count()


def test_v6_3_2_no_account_comes_with_the_software():
    """Migrations have run, nothing else; the demo's people are for the demo only."""
    assert User.objects.count() == 0


def test_v6_5_2_what_is_kept_of_a_recovery_code_needs_no_slow_hash():
    """112 random bits or more; the digest is keyed besides."""
    zoe = make_user("zoe", totp=True)
    codes = factors.make_recovery_codes(zoe)

    assert len(RECOVERY_CODE_ALPHABET) == 32
    assert RECOVERY_CODE_LENGTH * 5 >= 112
    assert all(len(bytes(each.digest)) == 32 for each in RecoveryCode.objects.all())
    assert len(set(codes)) == len(codes)


def secrets_of(user):
    """Return one of each secret that is made up for somebody."""
    session = make_session(user, kind="browser")
    proof.record_password_confirmation(session)
    purpose = account_tokens.AccountToken.Purpose.RESET
    with transaction.atomic():
        link = account_tokens.issue(user, purpose)
    secret = factors.enrol_totp(user).secret
    assert len(secret) * 8 >= 160
    return {
        "recovery": tuple(factors.make_recovery_codes(user)),
        "totp": bytes(secret),
        "channel": identities.issue_channel_code(session, "slack"),
        "link": link,
        "refresh": tokens.issue(session).refresh,
        "cookie": sign_in_browser(Client(), user).cookies["session"].value,
    }


def test_v6_5_3_nothing_follows_pythons_own_random_numbers():
    """Whoever could foresee those would foresee nothing of ours."""
    alice, bob = make_user("alice"), make_user("bob")
    random.seed(7)
    first = secrets_of(alice)
    random.seed(7)
    second = secrets_of(bob)

    assert not [name for name in first if first[name] == second[name]]
    product = Path(settings.BASE_DIR, "accounts").rglob("*.py")
    using = [
        path
        for path in product
        if "tests" not in path.parts
        and re.search(r"^(import|from) random\b", path.read_text(), re.MULTILINE)
    ]
    assert using == []


def test_v6_6_1_no_factor_comes_by_telephone_mail_or_push():
    """There are three kinds of factor; each is in the person's own hands."""
    offered = set()
    alice = make_user("alice", totp=True)
    client = APIClient()
    token = access_token(alice, stepped_up=True)
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    for kind in ("totp", "passkey", "recovery_code", *OUT_OF_BAND):
        answer = client.post("/api/v1/auth/factors", {"kind": kind})
        if answer.status_code < 300:
            offered.add(kind)

    assert offered == {"totp", "passkey", "recovery_code"}


def test_v6_8_1_the_same_subject_at_another_provider_is_somebody_else(client, acme):
    """Two providers, one of them for guests, and both have a user of this name."""
    theirs = make_provider("https://guests.example", slug="guests")
    make_provider(acme.issuer)
    make_identity(make_user("alice"), theirs, acme.subject)

    answer = sign_in(client)

    assert answer.status_code == 401
    assert who(client) is None
    assert ExternalIdentity.objects.count() == 1


def test_v7_2_3_session_keys_are_long_random_and_never_the_same():
    alice = make_user("alice")
    cookies = {sign_in_browser(Client(), alice).cookies["session"].value for _ in "12"}
    spelled = {tokens.issue(make_session(alice)).refresh for _ in "12"}

    assert len(cookies) == len(spelled) == 2
    for cookie in cookies:  # log2(36) * 32 = 165 bits
        assert re.fullmatch(r"[a-z0-9]{32,}", cookie)
    for refresh in spelled:  # 256 bits in base64
        assert len(refresh.removeprefix("csr_")) == 43


def test_v7_2_4_a_fresh_proof_ends_the_cookie_before_it():
    client, thief = Client(), Client()
    carol = make_user("carol", totp=True)
    client.cookies = sign_in_browser(Client(), carol).cookies
    thief.cookies["session"] = client.cookies["session"].value

    client.post("/account/confirm", {"code": totp_code(carol)})

    assert client.cookies["session"].value != thief.cookies["session"].value
    assert client.get("/account").status_code == 200
    assert thief.get("/account")["Location"].startswith("/sign-in")


def test_v7_3_2_a_browser_that_is_always_used_signs_in_again():
    client = sign_in_browser(Client(), make_user("alice"))
    began = timezone.now() - SESSION_ABSOLUTE
    for margin, answer in ((timedelta(minutes=1), 200), (-timedelta(seconds=1), 302)):
        AuthSession.objects.update(
            created_at=began + margin,
            expires_at=began + margin + SESSION_ABSOLUTE,
            last_seen_at=timezone.now(),
        )
        assert client.get("/account").status_code == answer


def add_a_factor(client, user):
    client.post("/account/authenticator")
    client.post("/account/authenticator", {"code": totp_code(user)})


def renew_the_codes(client, user):
    client.post("/account/recovery-codes")


def remove_a_factor(client, user):
    handle = user.totpfactor_set.first().handle
    client.post(f"/account/factors/{handle}/remove")


@pytest.mark.parametrize(
    ("change", "has_factor"),
    [(add_a_factor, False), (renew_the_codes, True), (remove_a_factor, True)],
)
def test_v7_4_3_after_a_changed_factor_all_else_can_be_ended(change, has_factor):
    alice = make_user("alice", totp=has_factor)
    client = sign_in_browser(Client(), alice, stepped_up=has_factor)
    if not has_factor:
        client.post("/account/confirm", {"password": PASSWORD})
    make_session(alice)
    make_session(alice)

    change(client, alice)

    page = client.get("/account").content.decode()
    assert 'action="/account/sessions/revoke-others"' in page
    assert live(alice) == 3
    client.post("/account/sessions/revoke-others")
    assert live(alice) == 1


def test_v7_4_3_another_password_ends_them_without_being_asked():
    alice = make_user("alice")
    client = sign_in_browser(Client(), alice)
    make_session(alice)
    new = "seven lanterns drift past noon"

    client.post(
        "/account/password",
        {"current": PASSWORD, "password": new, "again": new},
    )

    assert live(alice) == 1


def test_v7_4_5_an_administrator_ends_the_sessions_of_everybody(admin, browser):
    people = [make_user(name) for name in ("alice", "bob", "carol")]
    for user in people:
        make_session(user)
    chosen = {
        "action": "sign_out",
        "_selected_action": [str(user.pk) for user in people],
        "select_across": "1",
    }

    browser(admin, stepped_up=True).post("/admin/accounts/user/", chosen)

    assert not AuthSession.objects.filter(user__in=people, revoked_at=None).exists()


# Whatever decides how somebody signs in, by page and by API.
SENSITIVE = [
    ("post", "/account/authenticator", {}),
    ("post", "/account/passkeys/ask", {}),
    ("post", "/account/recovery-codes", {}),
    ("post", "/account/factors/{factor}/remove", {}),
    ("post", "/account/factors/{factor}/name", {"name": "another"}),
    ("post", "/account/email", {"email": "new@example.org"}),
    ("post", "/account/api-keys/new", {"name": "x", "scopes": ["read_sales"]}),
    ("post", "/account/identities/link/acme", {}),
    ("post", "/account/identities/{identity}/unlink", {}),
    ("post", "/api/v1/auth/factors", {"kind": "totp"}),
    ("post", "/api/v1/auth/factors", {"kind": "passkey"}),
    ("post", "/api/v1/auth/factors", {"kind": "recovery_code"}),
    ("delete", "/api/v1/auth/factors/{factor}", {}),
    ("patch", "/api/v1/auth/factors/{factor}", {"name": "another"}),
    ("post", "/api/v1/auth/email", {"email": "new@example.org"}),
    ("post", "/api/v1/auth/api-keys", {"name": "x", "scopes": ["read_sales"]}),
]


@pytest.mark.parametrize(("method", "path", "body"), SENSITIVE)
def test_v7_5_1_what_decides_sign_in_needs_proof_again(method, path, body):
    """Signed in with two factors, but none of them shown again since."""
    carol = make_user("carol", totp=True)
    identity = make_identity(carol, make_provider())
    factor = carol.totpfactor_set.get()
    path = path.format(factor=factor.handle, identity=identity.pk)
    if path.startswith("/api/"):
        client = APIClient()
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {access_token(carol)}")
        refused = getattr(client, method)(path, body)
        assert refused.json()["code"] == "step_up_required"
    else:
        refused = sign_in_browser(Client(), carol).post(path, body)
        where = refused.headers.get("Location", "")
        assert refused.status_code == 403 or where.startswith("/account/confirm")

    kept = carol.totpfactor_set.get()
    assert (kept, kept.name) == (factor, factor.name)
    assert carol.identities.count() == 1
    carol.refresh_from_db()
    assert carol.email == "carol@example.org"
