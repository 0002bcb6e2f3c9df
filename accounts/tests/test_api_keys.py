"""API keys: made once, narrow, and gone at once."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from accounts import api_keys as shape
from accounts.constants import KEYS_PER_ACCOUNT
from accounts.errors import ProofNeeded
from accounts.models import ApiKey, Notice, User
from accounts.selectors import actor_for_key, find_api_key
from accounts.services import people, sessions
from accounts.services.api_keys import (
    KeyTerms,
    make_own_key,
    record_key_refusal,
    revoke_all_keys,
    revoke_key,
    revoke_own_key,
    touch_key,
)
from accounts.services.proof import record_password_confirmation
from accounts.tests.factories import make_session, make_user
from accounts.tests.race import of_kind, race
from auditlog.selectors import list_events, read_events
from chatsec.core.errors import Conflict, Denied, Invalid, NotFound
from chatsec.core.redaction import redact

TERMS = KeyTerms(name="report", scopes=["read_sales"])


def proven(user):
    session = make_session(user)
    record_password_confirmation(session)
    return session


def key_of(user, **terms):
    return make_own_key(proven(user), replace(TERMS, **terms))


def described(event_type):
    return list(read_events(list_events(event_type=event_type)))


@pytest.fixture
def made(alice):
    return key_of(alice)


def test_a_key_has_the_form_that_scanners_look_for():
    found = {shape.new_key().text for _ in range(200)}

    assert len(found) == 200
    assert all(re.fullmatch(r"csk_[0-9A-Za-z]{47}", text) for text in found)
    assert all(shape.is_well_formed(text) for text in found)


@given(at=st.integers(min_value=4, max_value=50), sign=st.sampled_from(shape.ALPHABET))
def test_one_wrong_sign_is_seen_without_asking_anybody(at, sign):
    text = shape.new_key().text
    other = text[:at] + sign + text[at + 1 :]

    assert shape.is_well_formed(other) == (other == text)


@given(text=st.text(max_size=80))
def test_no_other_text_is_a_key(text):
    assert not shape.is_well_formed(text)
    assert not shape.is_well_formed(f"csk_{text}")


def test_the_secret_has_at_least_192_bits():
    assert len(shape.ALPHABET) ** shape.SECRET_LENGTH >= 2**192


def test_a_key_in_a_log_line_is_blacked_out():
    text = shape.new_key().text

    assert text not in redact(f"Authorization: Bearer {text}")
    assert text[12:] not in redact(f"called with {text} and failed")


@pytest.mark.django_db
def test_it_keeps_no_key_and_finds_it_again(made):
    row = str(ApiKey.objects.filter(id=made.key.id).values().get())

    assert made.text[12:45] not in row
    assert "report" not in row
    assert find_api_key(made.text) == made.key
    assert made.key.shown_as == f"{made.text[:12]}…"
    assert find_api_key(shape.new_key().text) is None


@pytest.mark.django_db
def test_it_acts_for_its_owner_within_its_scopes_and_without_factors(made, alice):
    actor = actor_for_key(find_api_key(made.text))

    assert (actor.person, actor.scopes, actor.amr) == (alice, ("read_sales",), ("key",))
    assert actor.session_id is None
    assert actor.stepped_up_at is None
    assert not actor.can_step_up


@pytest.mark.django_db
def test_making_one_is_told_to_its_owner_and_kept_as_evidence(made, alice):
    (event,) = described("accounts.api_key_made")

    assert event.subject_details["name"] == "report"
    assert event.details["scopes"] == ["read_sales"]
    assert made.text[12:] not in str(event)
    (notice,) = Notice.objects.filter(user=alice, kind="api_key_made")
    assert notice.facts == {"name": "report", "account": "alice"}


@pytest.mark.django_db
def test_it_wants_fresh_proof(alice):
    with pytest.raises(ProofNeeded):
        make_own_key(make_session(alice), TERMS)

    assert not ApiKey.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", "   "),
        ("name", "x" * 61),
        ("name", "two\nlines"),
        ("name", "nul\x00"),
        ("days", 0),
        ("days", 366),
        ("days", -1),
        ("messages_per_minute", 0),
        ("messages_per_minute", 601),
        ("scopes", []),
        ("scopes", ["read_sales"] * 51),
        ("scopes", ["manage_users"]),
        ("scopes", ["manage_roles"]),
        ("scopes", ["read_transcript"]),
        ("scopes", ["read_*"]),
        ("scopes", ["*"]),
        ("scopes", ["accounts.view_user"]),
        ("scopes", ["read_employee_salary"]),
        ("scopes", ["no\x00such"]),
        ("networks", ["everywhere"]),
        ("networks", ["10.0.0.1/8"]),
        ("networks", ["192.0.2.0/33"]),
        ("networks", [f"10.0.{n}.0/24" for n in range(21)]),
    ],
)
def test_it_refuses_terms_that_break_a_rule(alice, field, value):
    with pytest.raises(Invalid) as refused:
        key_of(alice, **{field: value})

    assert list(refused.value.fields) == [field]
    assert not ApiKey.objects.exists()


@pytest.mark.django_db
def test_an_administrator_lends_no_administration_either(admin):
    session = make_session(admin, stepped_up=True)

    with pytest.raises(Invalid):
        make_own_key(session, replace(TERMS, scopes=["manage_users"]))

    assert make_own_key(session, TERMS).key.scopes == ["read_sales"]


@pytest.mark.django_db
def test_what_is_allowed_at_some_hours_only_is_on_offer_at_any(carol):
    session = make_session(carol, stepped_up=True)

    made = make_own_key(session, replace(TERMS, scopes=["read_employee_salary"]))

    assert made.key.scopes == ["read_employee_salary"]


@pytest.mark.django_db
def test_the_database_itself_refuses_a_key_for_longer_than_a_year(made):
    later = made.key.created_at + timedelta(days=365, seconds=1)

    with pytest.raises(IntegrityError), transaction.atomic():
        ApiKey.objects.update(expires_at=later)


@pytest.mark.django_db
def test_networks_are_sealed_and_plain(alice):
    made = key_of(
        alice, networks=["198.51.100.7", "::ffff:192.0.2.0/120", "2001:db8::/32"]
    )

    row = ApiKey.objects.get(id=made.key.id)

    assert row.networks == ["198.51.100.7/32", "192.0.2.0/24", "2001:db8::/32"]
    assert b"198.51" not in bytes(row.networks_sealed)


@pytest.mark.django_db
def test_ten_keys_are_enough(alice):
    session = proven(alice)
    keys = [make_own_key(session, TERMS).key for _ in range(KEYS_PER_ACCOUNT)]

    with pytest.raises(Conflict) as refused:
        make_own_key(session, TERMS)

    assert refused.value.code == "too_many_keys"
    revoke_key(keys[0], because="test")
    assert make_own_key(session, TERMS)


@pytest.mark.django_db(transaction=True)
def test_of_many_who_make_the_last_key_at_once_one_does(alice):
    session = proven(alice)
    for _ in range(KEYS_PER_ACCOUNT - 1):
        make_own_key(session, TERMS)

    results = race(8, lambda: make_own_key(session, TERMS))

    assert of_kind(results, Conflict) == 7
    assert ApiKey.objects.count() == KEYS_PER_ACCOUNT


@pytest.mark.django_db
def test_a_closed_account_makes_none(alice):
    session = proven(alice)
    User.objects.update(is_active=False)
    session.user.refresh_from_db()

    # Nothing is on offer any more, which is said first.
    with pytest.raises((Denied, Invalid)):
        make_own_key(session, TERMS)


@pytest.mark.django_db
def test_only_its_owner_finds_it_to_revoke(made, alice, bob, charlie):
    for other in (bob, charlie):
        with pytest.raises(NotFound):
            revoke_own_key(other, made.key.id)
    assert find_api_key(made.text).is_live(timezone.now())

    revoke_own_key(alice, made.key.id)

    assert not find_api_key(made.text).is_live(timezone.now())
    with pytest.raises(NotFound):
        revoke_own_key(alice, made.key.id)
    assert len(described("accounts.api_key_revoked")) == 1
    assert Notice.objects.filter(user=alice, kind="api_key_revoked").count() == 1


@pytest.mark.django_db
def test_revoking_twice_leaves_one_trace(made):
    revoke_key(made.key, because="revoked_by_admin")
    revoke_key(made.key, because="again")

    assert ApiKey.objects.get().revoked_because == "revoked_by_admin"
    assert len(described("accounts.api_key_revoked")) == 1


@pytest.mark.django_db
def test_closing_the_account_ends_its_keys_for_good(made, alice):
    people.close_account(alice)
    people.update_user(User.objects.get(id=alice.id), is_active=True)

    assert find_api_key(made.text).revoked_because == "account_closed"


@pytest.mark.django_db
def test_signing_out_leaves_keys_as_they_are(made, alice):
    sessions.revoke_all_sessions(alice, because="test")

    assert find_api_key(made.text).is_live(timezone.now())
    assert revoke_all_keys(alice, because="test") == 1
    assert revoke_all_keys(alice, because="test") == 0


@pytest.mark.django_db
def test_use_is_noted_once_a_minute(made, django_assert_num_queries):
    now = timezone.now()
    touch_key(made.key, now=now)

    with django_assert_num_queries(0):
        touch_key(made.key, now=now + timedelta(seconds=59))
    touch_key(made.key, now=now + timedelta(seconds=61))

    assert ApiKey.objects.get().last_used_at == now + timedelta(seconds=61)


@pytest.mark.django_db
def test_refusals_are_kept_as_evidence_once_a_minute(made):
    now = timezone.now()
    for seconds in (0, 1, 59, 61):
        moment = now + timedelta(seconds=seconds)
        record_key_refusal(made.key, reason="expired", now=moment)

    events = described("accounts.api_key_refused")
    assert [event.details["reason"] for event in events] == ["expired"] * 2


@pytest.mark.django_db
def test_a_key_cannot_be_moved_to_another_account(made):
    ApiKey.objects.update(user=make_user("mallory"))

    with pytest.raises(Exception, match="does not open here"):
        _ = ApiKey.objects.get().name
