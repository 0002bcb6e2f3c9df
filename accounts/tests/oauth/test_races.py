"""Many at once with one code or token: real requests, real rows, own connections."""

import pytest

from accounts.models import AuthSession, RefreshToken
from accounts.services import applications, sessions
from accounts.tests.oauth.app import app_session
from accounts.tests.oauth.processes import race_processes
from accounts.tests.race import race

pytestmark = pytest.mark.django_db(transaction=True)


def statuses(answers):
    assert not [answer for answer in answers if isinstance(answer, Exception)]
    return sorted(answer.status_code for answer in answers)


def refresh_in_parallel(phone, visitor, runners):
    told = phone.connect(visitor)
    return race(runners, lambda: phone.refresh(told["refresh_token"]))


def assert_one_won(answers, runners):
    assert statuses(answers) == [200] + [400] * (runners - 1)
    session = AuthSession.objects.filter(kind="oauth").latest("created_at")
    assert session.revoked_because == "token_reuse"
    unused = RefreshToken.objects.filter(session=session, used_at__isnull=True)
    assert not unused.exists()
    (won,) = [answer.json() for answer in answers if answer.status_code == 200]
    return won


@pytest.mark.parametrize("_trial", range(2))
def test_of_parallel_refreshes_one_wins_and_the_family_ends(
    phone, browser, alice, _trial
):
    answers = refresh_in_parallel(phone, browser(alice), 32)

    won = assert_one_won(answers, 32)
    assert phone.call("/api/v1/catalogue", won["access_token"]).status_code == 401
    assert phone.refresh(won["refresh_token"]).status_code == 400


@pytest.mark.prove
def test_of_refreshes_in_many_processes_one_wins_fifty_times(phone, browser, alice):
    visitor = browser(alice)

    for trial in range(50):
        told = phone.connect(visitor)
        phone.http.defaults["REMOTE_ADDR"] = f"10.0.1.{trial}"
        token = told["refresh_token"]
        got = race_processes(32, lambda: phone.refresh(token).status_code)  # noqa: B023 - at once
        assert sorted(got) == [200] + [400] * 31
        session = AuthSession.objects.filter(kind="oauth").latest("created_at")
        assert session.revoked_because == "token_reuse"


def exchange_in_parallel(phone, visitor, runners):
    code = phone.get_code(visitor)
    return race(runners, lambda: phone.exchange(code))


def assert_one_exchanged(answers, runners):
    assert statuses(answers) == [200] + [400] * (runners - 1)
    session = AuthSession.objects.filter(kind="oauth").latest("created_at")
    assert session.revoked_because == "code_replayed"


def test_of_parallel_exchanges_one_wins_and_what_it_got_ends(phone, browser, alice):
    assert_one_exchanged(exchange_in_parallel(phone, browser(alice), 16), 16)
    assert AuthSession.objects.filter(kind="oauth").count() == 1


@pytest.mark.prove
def test_of_exchanges_in_many_processes_one_wins_fifty_times(phone, browser, alice):
    visitor = browser(alice)

    for trial in range(50):
        code = phone.get_code(visitor)
        phone.http.defaults["REMOTE_ADDR"] = f"10.0.2.{trial}"
        got = race_processes(16, lambda: phone.exchange(code).status_code)  # noqa: B023 - at once
        assert sorted(got) == [200] + [400] * 15
        session = AuthSession.objects.filter(kind="oauth").latest("created_at")
        assert session.revoked_because == "code_replayed"


def at_once(*acts):
    """Run each of the acts in a thread of its own; return what they got."""
    waiting = list(acts)

    def run():
        return waiting.pop()()

    return race(len(acts), run)


@pytest.mark.parametrize("_trial", range(2))
def test_a_session_that_ends_meanwhile_is_not_refreshed_to_life(
    phone, browser, alice, _trial
):
    told = phone.connect(browser(alice))
    session = app_session()

    at_once(
        lambda: phone.refresh(told["refresh_token"]),
        lambda: sessions.revoke_session(session),
    )

    assert app_session().revoked_at is not None
    assert not RefreshToken.objects.filter(session=session, used_at=None).exists()
    assert phone.call("/api/v1/catalogue", told["access_token"]).status_code == 401


@pytest.mark.parametrize("_trial", range(2))
def test_an_app_that_is_switched_off_meanwhile_keeps_no_session(
    phone, browser, alice, _trial
):
    code = phone.get_code(browser(alice))
    application = phone.application

    at_once(
        lambda: phone.exchange(code),
        lambda: applications.change_application(application, is_enabled=False),
    )

    live = AuthSession.objects.filter(kind="oauth", revoked_at__isnull=True)
    assert not live.exists()


@pytest.mark.parametrize("_trial", range(2))
def test_a_password_that_changes_meanwhile_leaves_no_session(
    phone, browser, alice, _trial
):
    from accounts.services import people

    code = phone.get_code(browser(alice))

    at_once(
        lambda: phone.exchange(code),
        lambda: people.set_password(alice, "another horse battery staple"),
    )

    live = AuthSession.objects.filter(kind="oauth", revoked_at__isnull=True)
    assert not live.exists()
