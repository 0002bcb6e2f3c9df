import pytest
from django.test import Client, RequestFactory

from accounts.errors import AccountLocked, InvalidCode, InvalidToken
from accounts.models import TOTPFactor
from accounts.selectors import actor_for_session
from accounts.services import (
    challenges,
    email_change,
    factors,
    invitations,
    lockout,
    passwords,
    people,
    proof,
    sessions,
    sign_in,
    tokens,
)
from accounts.tests.factories import (
    PASSWORD,
    make_session,
    make_user,
    sign_in_browser,
    totp_code,
)
from accounts.tests.links import mailed_token
from accounts.tests.test_factors import wrong_code
from auditlog.selectors import describe, list_events, read_events
from chatsec.core import context
from chatsec.core.context import Channel
from chatsec.core.crypto import subject_keys
from chatsec.core.errors import Unauthenticated

pytestmark = pytest.mark.django_db

NEW_PASSWORD = "seven lanterns drift past noon"


def events(name):
    return [describe(event) for event in list_events(event_type=name)]


def try_password(name, password=PASSWORD):
    return sign_in.check_password(
        RequestFactory().post("/"), name=name, password=password
    )


def test_a_sign_in_is_the_users_own_event():
    alice = make_user("alice")

    sign_in.open_token_session(try_password("alice"))

    (event,) = events("accounts.signed_in")
    assert event["user_id"] == str(subject_keys().pseudonym(alice.id))
    assert event["outcome"] == "success"


@pytest.mark.parametrize(
    ("path", "channel"), [("/api/v1/auth/token", "api"), ("/sign-in", "web")]
)
def test_sign_ins_say_where_they_came_in(client, path, channel):
    make_user("alice")

    for password in ("wrong password", PASSWORD):
        body = {"username": "alice", "password": password}
        if channel == "api":
            client.post(path, body, content_type="application/json")
        else:
            client.post(path, body)

    (refused,) = list_events(event_type="accounts.sign_in_failed")
    (opened,) = list_events(event_type="accounts.signed_in")
    assert refused.channel == opened.channel == channel


def test_a_refused_sign_in_is_kept_without_what_was_typed():
    make_user("alice")
    for name in ("alice", "secret-project"):
        with pytest.raises(Unauthenticated):
            try_password(name, "hunter2hunter2")

    found = events("accounts.sign_in_failed")
    assert len(found) == 2
    assert "secret-project" not in str(found)
    assert "hunter2" not in str(found)


def test_a_wrong_code_at_sign_in_is_told_from_a_wrong_password(client):
    carol = make_user("carol", totp=True)
    body = {"username": "carol", "password": PASSWORD, "otp": wrong_code(carol)}

    client.post("/api/v1/auth/token", body, content_type="application/json")
    client.post(
        "/api/v1/auth/token",
        {**body, "password": "wrong password"},
        content_type="application/json",
    )

    (code,) = list_events(event_type="accounts.second_factor_failed")
    (password,) = list_events(event_type="accounts.sign_in_failed")
    carols = subject_keys().pseudonym(carol.id)
    assert code.subject_pseudonym == password.subject_pseudonym == carols
    assert code.outcome == password.outcome == "failure"
    assert code.network_hash == password.network_hash is not None


def test_the_fifth_failure_raises_the_alert_of_the_chapter():
    make_user("alice")
    for _ in range(5):
        with pytest.raises(Unauthenticated):
            try_password("alice", "wrong password")
    with pytest.raises(AccountLocked):
        try_password("alice")

    (alert,) = events("security_alert")
    assert alert["alert_type"] == "multiple_failed_auth"
    assert alert["failure_count"] == 5
    assert alert["time_window_minutes"] == 5
    assert alert["action_taken"] == "account_locked"


def test_an_unknown_name_raises_it_too_under_a_digest():
    for _ in range(5):
        with pytest.raises(Unauthenticated):
            try_password("secret-project")

    (alert,) = events("security_alert")
    assert alert["action_taken"] == "account_locked"
    assert "secret-project" not in str(alert)


def test_token_reuse_is_an_event():
    pair = tokens.issue(make_session(make_user("alice")))
    tokens.refresh(pair.refresh)

    with pytest.raises(InvalidToken):
        tokens.refresh(pair.refresh)

    assert len(events("accounts.token_reuse")) == 1
    assert len(events("accounts.session_revoked")) == 1


def test_steps_and_missteps_are_events():
    carol = make_user("carol", totp=True)
    actor = actor_for_session(make_session(carol), Channel.API)
    challenge = challenges.start(actor, operation="salary")
    given = {"actor": actor, "operation": "salary"}
    with pytest.raises(InvalidCode):
        challenges.complete(challenge.id, code=wrong_code(carol), **given)

    challenges.complete(challenge.id, code=totp_code(carol), **given)

    assert len(events("accounts.step_up_failed")) == 1
    assert len(events("accounts.stepped_up")) == 1


def test_changes_of_accounts_are_events():
    alice = make_user("alice")
    people.update_user(alice, region="north", email="new@example.org")
    people.set_password(alice, "another long passphrase")
    factors.enrol_totp(alice)
    factors.confirm_totp(alice, totp_code(alice))
    lockout.unlock_account(alice)
    factors.remove_factor(TOTPFactor.objects.get())

    (changed,) = read_events(list_events(event_type="accounts.user_changed"))
    assert changed.details["columns"] == ["email", "region"]
    assert "new@example.org" not in str(changed)
    for name in (
        "user_created",
        "password_set",
        "factor_enrolled",
        "account_unlocked",
        "factor_removed",
    ):
        assert len(events(f"accounts.{name}")) == 1, name


def test_nothing_changed_is_no_event():
    alice = make_user("alice", region="north")

    people.update_user(alice, region="north", email="alice@example.org")

    assert events("accounts.user_changed") == []


def test_signing_out_and_being_signed_out_are_two_things():
    alice = make_user("alice")
    client = sign_in_browser(Client(), alice)
    client.post("/sign-out")
    sessions.revoke_session(make_session(alice), because="revoked_by_admin")

    assert len(events("accounts.signed_out")) == 1
    assert len(events("accounts.session_revoked")) == 1


def test_no_event_holds_an_address_in_clear():
    make_user("alice")
    with context.bound(context.RequestContext(ip="203.0.113.9")):
        sign_in.open_token_session(try_password("alice"))

    assert "203.0.113.9" not in str(events("accounts.signed_in"))


def test_links_and_passwords_leave_evidence_and_no_secret():
    zoe = invitations.invite("zoe", email="zoe@example.org")
    links = [mailed_token(zoe)]
    invitations.accept_invitation(links[0], password=PASSWORD)
    passwords.ask_reset("zoe")
    links.append(mailed_token(zoe))
    passwords.reset_password(links[1], NEW_PASSWORD)
    session = make_session(zoe)
    proof.record_password_confirmation(session)
    email_change.ask_email_change(session, "zoe@new.example")
    links.append(mailed_token(zoe))
    email_change.confirm_email_change(session, links[2])

    pseudonym = str(subject_keys().pseudonym(zoe.id))
    for name in ("user_invited", "invitation_accepted", "password_reset_asked"):
        (event,) = events(f"accounts.{name}")
        assert pseudonym in str(event)
    set_by = read_events(list_events(event_type="accounts.password_set"))
    assert sorted(e.details["because"] for e in set_by) == ["invited", "reset"]
    assert len(events("accounts.email_change_asked")) == 1
    told = str(read_events(list(list_events())))
    assert not [word for word in (*links, NEW_PASSWORD, PASSWORD) if word in told]
