"""OWASP ASVS 5.0, V6.2 (passwords) and V6.4 (life cycle and recovery), from outside.

Each test is named for the requirement that it shows.
"""

import re
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from accounts import common_passwords
from accounts.constants import MAX_PASSWORD_LENGTH, RESET_LIFE
from accounts.models import AccountToken, User
from accounts.passwords import organisation_words
from accounts.services import passwords
from accounts.services.account_tokens import RANDOM_BYTES
from accounts.services.invitations import invite
from accounts.tests.factories import PASSWORD, access_token, make_user
from accounts.tests.links import mailed_link, mailed_token

pytestmark = pytest.mark.django_db

NEW = "seven lanterns drift past noon"


def path_of(link):
    return "/" + link.split("/", 3)[3]


def change(user, password, *, current=PASSWORD):
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {access_token(user)}")
    sent = {"current_password": current, "password": password}
    return client.post("/api/v1/auth/password", sent).status_code


def reset(user, password):
    """Return the status of a reset to the password, by a link of its own."""
    APIClient().post("/api/v1/auth/password/reset", {"username": user.username})
    sent = {"token": mailed_token(user), "password": password}
    return APIClient().post("/api/v1/auth/password/reset/confirm", sent).status_code


def accept(name, password):
    """Return the status of accepting an invitation with the password."""
    user = invite(name, email=f"{name}@example.org")
    sent = {"token": mailed_token(user), "password": password}
    return APIClient().post("/api/v1/auth/invitation", sent).status_code


def everywhere(password):
    """Return what the three ways to set a password answer."""
    User.objects.filter(username__in=["changes", "resets", "begins"]).delete()
    changes, resets = make_user("changes"), make_user("resets")
    return {
        change(changes, password),
        reset(resets, password),
        accept("begins", password),
    }


def sign_in(name, password):
    sent = {"username": name, "password": password}
    return APIClient().post("/api/v1/auth/token", sent)


@pytest.mark.parametrize(
    ("password", "statuses"),
    [
        ("vx9#Kq!2mTz", {400}),
        ("vx9#Kq!2mTz$", {204}),
    ],
)
def test_v6_2_1_passwords_have_at_least_twelve_characters(password, statuses):
    assert everywhere(password) == statuses


def test_v6_2_2_users_change_their_passwords():
    alice = make_user("alice")

    assert change(alice, NEW) == 204

    assert sign_in("alice", NEW).status_code == 200
    assert sign_in("alice", PASSWORD).status_code == 401


@pytest.mark.parametrize("current", ["", "wrong", PASSWORD.upper(), f" {PASSWORD}"])
def test_v6_2_3_a_change_needs_the_current_password(current):
    alice = make_user("alice")

    assert change(alice, NEW, current=current) == 400

    assert sign_in("alice", PASSWORD).status_code == 200


def test_v6_2_4_the_common_passwords_that_fit_the_policy_are_refused():
    listed = common_passwords._listed().decode().split("\n")[1:-1]
    assert len(listed) >= 3000

    for common in (listed[0], listed[len(listed) // 2], listed[-1], "Password1234"):
        assert everywhere(common) == {400}


@pytest.mark.parametrize(
    "password",
    [
        "seven lanterns drift past noon",
        "SEVEN LANTERNS DRIFT PAST NOON",
        "840917265509318246",
        "!#%&/()=?*;:_~^§|<>,.",
        "ключ дождь лампа семь сов",
        "猫がピアノの上で静かに寝ている",
        "🐙🚲🎺🦔🧄🪁🎠🥁🛶🧶🦚🌵🪗",
        " leading and trailing spaces count ",
        "tab\tand other whitespace too",
    ],
)
def test_v6_2_5_any_composition_is_allowed(password):
    assert everywhere(password) == {204}

    assert sign_in("changes", password).status_code == 200
    assert sign_in("changes", password.strip() + "x").status_code == 401


def password_pages():
    alice, zoe = make_user("alice"), invite("zoe", email="zoe@example.org")
    passwords.ask_reset("alice")
    client = Client()
    client.post("/sign-in", {"username": "alice", "password": PASSWORD})
    return [
        Client().get("/sign-in"),
        Client().get(path_of(mailed_link(alice))),
        Client().get(path_of(mailed_link(zoe))),
        client.get("/account/password"),
        client.get("/account/confirm"),
    ]


def password_fields():
    fields = []
    for page in password_pages():
        assert page.status_code == 200
        tags = re.findall(r"<input[^>]*>", page.content.decode())
        fields += [t for t in tags if re.search('name="(password|again|current)"', t)]
    return fields


def test_v6_2_6_what_is_typed_is_masked():
    fields = password_fields()

    assert len(fields) == 9
    assert all('type="password"' in field for field in fields)


def test_v6_2_7_pasting_and_password_managers_work():
    for field in password_fields():
        assert re.search(r'autocomplete="(current|new)-password"', field)
        assert "onpaste" not in field
        assert "readonly" not in field
    scripts = Path(settings.BASE_DIR, "static", "js").glob("*.js")
    assert not [path for path in scripts if "paste" in path.read_text()]


@pytest.mark.parametrize(
    "other",
    [NEW[:-1], f"{NEW} ", f" {NEW}", NEW.upper(), NEW.title(), NEW[:72], NEW + "x"],
)
def test_v6_2_8_a_password_is_checked_exactly_as_it_was_typed(other):
    make_user("alice", password=NEW)

    assert (sign_in("alice", other).status_code == 200) is (other == NEW)
    assert sign_in("alice", NEW).status_code == 200


@pytest.mark.parametrize("length", [64, 128, MAX_PASSWORD_LENGTH])
def test_v6_2_9_long_passwords_are_allowed_to_the_last_character(length):
    long = ("seven lanterns drift past noon, " * 40)[:length]

    assert everywhere(long) == {204}

    assert sign_in("resets", long).status_code == 200
    assert sign_in("resets", long[:-1] + "#").status_code == 401
    assert sign_in("resets", long[:-1]).status_code == 401


def test_v6_2_10_a_password_stays_good():
    alice = make_user("alice")
    ten_years_ago = timezone.now() - timedelta(days=3653)
    User.objects.filter(id=alice.id).update(date_joined=ten_years_ago)

    assert sign_in("alice", PASSWORD).status_code == 200
    assert not [f.name for f in User._meta.fields if "expire" in f.name]


def test_v6_2_11_the_documented_words_are_refused():
    documented = Path(settings.BASE_DIR, "docs/reference/passwords.md").read_text()

    for word in ("chatsec", "chatbot"):
        assert word in documented
        assert word in organisation_words()
        assert everywhere(f"seven {word} drift past noon") == {400}
    assert settings.CHATSEC_ORGANISATION in organisation_words()
    assert everywhere("seven organisation drift past noon") == {400}
    assert change(make_user("quentin"), "seven quentin drift past noon") == 400


def test_v6_2_12_new_passwords_are_compared_with_leaked_ones(settings, tmp_path):
    leaked = tmp_path / "leaked.txt"
    leaked.write_text("fjord salsa kettle unread\n", encoding="utf-8")
    assert everywhere("fjord salsa kettle unread") == {204}
    settings.CHATSEC_COMMON_PASSWORDS = str(leaked)
    common_passwords._listed.cache_clear()
    try:
        assert everywhere("Fjord Salsa Kettle Unread") == {400}
    finally:
        common_passwords._listed.cache_clear()


def test_v6_4_1_activation_links_are_random_short_lived_and_no_password():
    zoe = invite("zoe", email="zoe@example.org")
    raw = mailed_token(zoe)

    assert RANDOM_BYTES >= 16
    assert sign_in("zoe", raw).status_code == 401
    late = timezone.now() + timedelta(hours=72)
    AccountToken.objects.update(expires_at=late - timedelta(hours=73))
    sent = {"token": raw, "password": NEW}
    assert APIClient().post("/api/v1/auth/invitation", sent).status_code == 400
    assert accept("zed", NEW) == 204


def test_v6_4_2_there_are_no_hints_and_no_secret_questions():
    names = {field.name for field in User._meta.fields}

    assert not [n for n in names if "hint" in n or "question" in n or "answer" in n]
    for page in password_pages():
        text = re.sub(r"<[^>]*>", "", page.content.decode()).lower()
        assert "hint" not in text
        assert "question" not in text.replace("public questions", "")


def test_v6_4_3_a_reset_does_not_pass_by_the_second_factor():
    carol = make_user("carol", totp=True)

    assert reset(carol, NEW) == 204

    assert timedelta(minutes=30) >= RESET_LIFE
    answer = sign_in("carol", NEW)
    assert (answer.status_code, answer.json()["code"]) == (401, "mfa_required")
    assert reset(carol, "no rain on wednesday says gus") == 204


def test_v6_4_6_administrators_start_a_reset_and_choose_nothing(admin, browser):
    alice, office = make_user("alice"), browser(admin)
    for path in ("add/", f"{alice.id}/change/"):
        page = office.get(f"/admin/accounts/user/{path}").content.decode()
        assert 'type="password"' not in page
    assert office.get(f"/admin/accounts/user/{alice.id}/password/").status_code in (
        302,
        404,
    )
    chosen = {"action": "send_links", "_selected_action": [str(alice.id)]}

    page = office.post("/admin/accounts/user/", chosen, follow=True)

    raw = mailed_token(alice)
    assert raw not in page.content.decode()
    sent = {"token": raw, "password": NEW}
    confirm = APIClient().post("/api/v1/auth/password/reset/confirm", sent)
    assert confirm.status_code == 204
    assert sign_in("alice", NEW).status_code == 200
