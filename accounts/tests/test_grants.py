"""Connected apps, names, and how many devices there are at most."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.constants import MAX_LIVE_SESSIONS
from accounts.models import AuthSession, Notice
from accounts.selectors import actor_for_session, list_live_sessions, signs_in
from accounts.services import sessions
from accounts.tests.factories import make_session, make_user
from accounts.tests.race import race
from auditlog.selectors import list_events
from chatsec.core.context import Channel
from chatsec.core.errors import Invalid, NotFound

pytestmark = pytest.mark.django_db


def connect(user, scopes=("read_sales",), name="Sales on the phone"):
    return sessions.start_session(
        user, kind="oauth", amr=("pwd",), scopes=scopes, client_name=name
    )


def live(user):
    return list_live_sessions(user, now=timezone.now())


def test_a_connected_app_lives_long_and_is_limited(alice):
    session = connect(alice, scopes=("read_sales", "openid", "read_sales"))
    session.refresh_from_db()
    start = session.created_at

    assert session.scopes == ["openid", "read_sales"]
    assert session.device_name == "Sales on the phone"
    session.last_seen_at = start + timedelta(days=170)
    assert signs_in(session, now=start + timedelta(days=179))
    assert not signs_in(session, now=start + timedelta(days=180))
    session.last_seen_at = start
    assert signs_in(session, now=start + timedelta(days=29))
    assert not signs_in(session, now=start + timedelta(days=30))


def test_its_scopes_go_with_the_actor(alice):
    grant = actor_for_session(connect(alice), Channel.API)
    device = actor_for_session(make_session(alice), Channel.API)

    assert grant.scopes == ("read_sales",)
    assert device.scopes is None


def test_no_scope_at_all_is_not_every_scope(alice):
    assert actor_for_session(connect(alice, scopes=()), Channel.API).scopes == ()


def test_a_connected_app_without_scopes_is_refused(alice):
    with pytest.raises(ValueError, match="scopes"):
        sessions.start_session(alice, kind="oauth", amr=("pwd",))

    grant = connect(alice)
    with pytest.raises(IntegrityError), transaction.atomic():
        AuthSession.objects.filter(id=grant.id).update(scopes=None)


def test_it_says_when_its_user_really_signed_in(alice):
    earlier = timezone.now() - timedelta(hours=2)

    session = sessions.start_session(
        alice, kind="oauth", amr=("pwd",), scopes=(), authenticated_at=earlier
    )

    assert session.authenticated_at == earlier
    assert session.created_at > earlier


def test_the_eleventh_device_ends_the_one_used_longest_ago(alice):
    first, second, *_ = [make_session(alice) for _ in range(MAX_LIVE_SESSIONS)]
    AuthSession.objects.filter(id=first.id).update(last_seen_at=timezone.now())

    newest = make_session(alice)

    second.refresh_from_db()
    assert second.revoked_because == "too_many"
    assert live(alice).count() == MAX_LIVE_SESSIONS
    assert {first.id, newest.id} <= set(live(alice).values_list("id", flat=True))


def test_it_leaves_evidence_and_tells_the_owner(alice):
    for _ in range(MAX_LIVE_SESSIONS + 2):
        make_session(alice)

    evidence = list_events(event_type="accounts.session_revoked")
    assert evidence.count() == 2
    told = Notice.objects.get(user=alice, kind="sessions_ended")
    assert "more than 10 devices" in told.text


def test_connected_apps_are_counted_apart(alice):
    grant = connect(alice)
    for _ in range(MAX_LIVE_SESSIONS + 1):
        make_session(alice)

    grant.refresh_from_db()
    assert grant.revoked_at is None

    for _ in range(MAX_LIVE_SESSIONS):
        connect(alice)
    grant.refresh_from_db()
    assert grant.revoked_because == "too_many"
    assert live(alice).count() == 2 * MAX_LIVE_SESSIONS


def test_idle_devices_and_other_people_do_not_count(alice, charlie):
    idle = make_session(alice)
    long_ago = timezone.now() - timedelta(hours=1)
    AuthSession.objects.filter(id=idle.id).update(last_seen_at=long_ago)
    others = make_session(charlie)
    for _ in range(MAX_LIVE_SESSIONS):
        make_session(alice)

    idle.refresh_from_db()
    others.refresh_from_db()
    assert (idle.revoked_at, others.revoked_at) == (None, None)
    assert live(alice).count() == MAX_LIVE_SESSIONS


@pytest.mark.django_db(transaction=True)
def test_signing_in_at_once_makes_no_more_than_ten():
    alice = make_user("alice")
    for _ in range(MAX_LIVE_SESSIONS - 2):
        make_session(alice)

    race(8, lambda: make_session(alice))

    assert live(alice).count() == MAX_LIVE_SESSIONS


def test_a_device_has_the_name_that_its_owner_gives_it(alice):
    session = make_session(alice)

    sessions.rename_session(alice, session.id, "  My\nlaptop\x00 ")

    session.refresh_from_db()
    assert session.device_name == "My laptop"
    assert b"laptop" not in bytes(session.name_sealed)
    assert list_events(event_type="accounts.session_renamed").count() == 1


def test_an_empty_name_takes_the_name_away(alice):
    session = make_session(alice)
    sessions.rename_session(alice, session.id, "Laptop")

    sessions.rename_session(alice, session.id, " ")

    session.refresh_from_db()
    assert session.name_sealed is None
    assert session.device_name == "App"


def test_a_name_that_is_too_long_is_refused(alice):
    session = make_session(alice)

    with pytest.raises(Invalid):
        sessions.rename_session(alice, session.id, "x" * 65)


def test_nobody_names_another_ones_device(alice, charlie):
    session = make_session(alice)

    with pytest.raises(NotFound):
        sessions.rename_session(charlie, session.id, "Mine")


def test_a_device_that_is_signed_out_has_no_name_to_change(alice):
    session = make_session(alice)
    sessions.revoke_session(session)

    with pytest.raises(NotFound):
        sessions.rename_session(alice, session.id, "Old")
