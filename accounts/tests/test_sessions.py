from datetime import timedelta

import pytest
from django.contrib.sessions.backends.base import UpdateError
from django.contrib.sessions.models import Session
from django.db import connection
from django.http import HttpResponse, JsonResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import path
from django.utils import timezone

from accounts.models import AuthSession, BrowserSession
from accounts.services import people, sessions
from accounts.session_store import SessionStore
from accounts.tests.factories import make_session, make_user, sign_in_browser
from accounts.tests.race import race
from chatsec.core.context import current_actor


def who(request):
    actor = current_actor()
    shown = {
        "kind": actor.kind,
        "user": str(request.user),
        "channel": actor.channel,
        "amr": list(actor.amr),
        "stepped_up": actor.stepped_up_at is not None,
        "same": request.actor is actor,
        "verified": request.user.is_authenticated and request.user.is_verified(),
    }
    return JsonResponse(shown)


def remember(request):
    request.session["seen"] = True
    return HttpResponse()


urlpatterns = [path("who", who), path("remember", remember), path("admin/who", who)]


@pytest.fixture(autouse=True)
def _routes(settings):
    settings.ROOT_URLCONF = __name__


def ask(client, where="/who"):
    return client.get(where).json()


def is_nobody(client):
    return ask(client)["kind"] == "anonymous" and ask(client)["user"] == "AnonymousUser"


@pytest.mark.django_db
def test_nobody_is_anonymous_and_costs_nothing(django_assert_num_queries):
    client = Client()
    with django_assert_num_queries(0):
        assert is_nobody(client)


@pytest.mark.django_db
def test_a_cookie_signs_in_with_one_query(django_assert_num_queries):
    client = sign_in_browser(Client(), make_user("alice"))
    ask(client)  # what her roles ask for is compiled once

    with django_assert_num_queries(1):
        found = ask(client)

    assert found == {
        "kind": "user",
        "user": "alice",
        "channel": "web",
        "amr": ["pwd"],
        "stepped_up": False,
        "same": True,
        "verified": False,
    }
    assert ask(client, "/admin/who")["channel"] == "admin"


@pytest.mark.django_db
def test_a_second_factor_verifies_for_the_admin_site():
    client = sign_in_browser(Client(), make_user("carol", totp=True), stepped_up=True)

    found = ask(client)

    assert found["verified"]
    assert found["amr"] == ["pwd", "otp", "mfa"]
    assert found["stepped_up"]


@pytest.mark.django_db
@pytest.mark.parametrize(
    "end",
    [
        lambda user: sessions.revoke_all_sessions(user, because="test"),
        people.close_account,
        lambda user: people.set_password(user, "another long passphrase"),
        lambda user: user.delete(),
        lambda user: AuthSession.objects.update(
            last_seen_at=timezone.now() - timedelta(minutes=30)
        ),
        lambda user: AuthSession.objects.update(expires_at=timezone.now()),
        lambda user: AuthSession.objects.update(revoked_at=timezone.now()),
        lambda user: AuthSession.objects.all().delete(),
        lambda user: AuthSession.objects.update(user=make_user("charlie")),
        lambda user: BrowserSession.objects.update(auth_session=None),
        lambda user: BrowserSession.objects.update(expires_at=timezone.now()),
        # Whoever writes the password column by another way ends the sessions too.
        lambda user: type(user).objects.update(password="changed"),
        lambda user: type(user).objects.update(is_active=False),
    ],
)
def test_an_ended_session_is_nobody_at_once(end):
    alice = make_user("alice")
    client = sign_in_browser(Client(), alice)
    assert ask(client)["user"] == "alice"

    end(alice)

    assert is_nobody(client)
    assert not BrowserSession.objects.filter(expires_at__gt=timezone.now()).exists()


@pytest.mark.django_db
def test_djangos_own_login_signs_nobody_in():
    client = Client()
    client.force_login(make_user("alice"), backend="accounts.backends.PasswordBackend")

    assert is_nobody(client)


@pytest.mark.django_db
def test_the_cookie_is_not_in_the_database():
    client = sign_in_browser(Client(), make_user("alice"))
    key = client.cookies["session"].value

    assert len(key) >= 32
    assert Session.objects.count() == 0
    with connection.cursor() as cursor:
        cursor.execute("SELECT b::text FROM accounts_browsersession b")
        (row,) = cursor.fetchone()
    assert key not in row


@pytest.mark.django_db
def test_a_key_that_we_did_not_give_is_not_adopted():
    client = Client()
    client.cookies["session"] = "chosenbytheattacker0123456789abc"

    client.get("/remember")

    assert client.cookies["session"].value != "chosenbytheattacker0123456789abc"


@pytest.mark.django_db
def test_use_is_written_down_once_a_minute():
    client = sign_in_browser(Client(), make_user("alice"))
    earlier = timezone.now() - timedelta(seconds=61)
    AuthSession.objects.update(last_seen_at=earlier)

    with CaptureQueriesContext(connection) as captured:
        for _ in range(5):
            ask(client)

    writes = [q for q in captured if q["sql"].startswith("UPDATE")]
    assert len(writes) == 1
    assert AuthSession.objects.get().last_seen_at > earlier


@pytest.mark.django_db
def test_use_does_not_revive_a_revoked_session():
    session = make_session(make_user("alice"))
    AuthSession.objects.update(
        last_seen_at=timezone.now() - timedelta(minutes=5), revoked_at=timezone.now()
    )
    stale = AuthSession.objects.get()
    stale.revoked_at = None

    sessions.touch_session(stale, now=timezone.now())

    assert AuthSession.objects.get(id=session.id).revoked_at is not None


@pytest.mark.django_db
def test_a_late_save_does_not_revive_a_deleted_session():
    client = sign_in_browser(Client(), make_user("alice"))
    late = SessionStore(client.cookies["session"].value)
    late["seen"] = True
    sessions.revoke_session(AuthSession.objects.get())

    with pytest.raises(UpdateError):
        late.save()

    assert BrowserSession.objects.count() == 0


@pytest.mark.django_db
def test_a_request_that_outlives_its_session_is_refused():
    client = sign_in_browser(Client(), make_user("alice"))
    gone = []

    def revoke_while_running(request):
        sessions.revoke_session(AuthSession.objects.get())
        gone.append(True)
        return remember(request)

    urlpatterns.append(path("late", revoke_while_running))
    try:
        answer = client.get("/late")
    finally:
        urlpatterns.pop()

    assert gone
    assert answer.status_code == 400
    assert is_nobody(client)


@pytest.mark.django_db(transaction=True)
def test_sign_out_wins_against_parallel_writes():
    client = sign_in_browser(Client(), make_user("alice"))
    key = client.cookies["session"].value
    session = AuthSession.objects.get()
    turns = iter(range(12))

    def act():
        if next(turns) == 6:
            return sessions.revoke_session(session)
        store = SessionStore(key)
        store["seen"] = timezone.now().isoformat()
        return store.save()

    race(12, act)

    assert BrowserSession.objects.filter(auth_session=session).count() == 0
    assert SessionStore(key).load() == {}


@pytest.mark.django_db
def test_a_new_key_keeps_the_content_and_ends_the_old_key():
    client = sign_in_browser(Client(), make_user("alice"))
    old = client.cookies["session"].value
    store = SessionStore(old)

    store.cycle_key()
    store.save()

    assert store.session_key != old
    assert SessionStore(old).load() == {}
    client.cookies["session"] = store.session_key
    assert ask(client)["user"] == "alice"


@pytest.mark.django_db
def test_expired_rows_are_cleared():
    sign_in_browser(Client(), make_user("alice"))
    sign_in_browser(Client(), make_user("bob"))
    first = BrowserSession.objects.first()
    BrowserSession.objects.filter(pk=first.pk).update(expires_at=timezone.now())

    SessionStore.clear_expired()

    assert BrowserSession.objects.count() == 1


@pytest.mark.django_db
def test_revoking_twice_changes_nothing():
    session = make_session(make_user("alice"))
    sessions.revoke_session(session, because="first")

    sessions.revoke_session(AuthSession.objects.get(), because="second")

    assert AuthSession.objects.get().revoked_because == "first"


@pytest.mark.django_db(transaction=True)
def test_parallel_ends_of_many_sessions_do_not_deadlock():
    alice = make_user("alice")
    for _ in range(8):
        make_session(alice)

    results = race(6, lambda: sessions.sign_out_everywhere(alice))

    assert sorted(results) == [0, 0, 0, 0, 0, 8]
