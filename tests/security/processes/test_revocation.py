"""Who is out is out in every process by its first answer, with the cache or not."""

from __future__ import annotations

import time
from itertools import cycle, islice

import pytest

from accounts.services import people as accounts
from accounts.services import sessions
from accounts.services.api_keys import revoke_key
from accounts.tests.keys import made_for
from chatsec.core.context import SYSTEM
from rbac.models import Assignment
from rbac.services import revoke_assignment
from tests.security.processes.people import NEW_PASSWORD, PASSWORD, signed_in

ME = "/api/v1/me"
CHECK = "/api/v1/rbac/check"
CODE = "read_sales"
TRIALS = [
    pytest.param(8, id="few"),
    pytest.param(500, id="many", marks=pytest.mark.prove),
]


def out_by_refresh_token(servers, user, pair):
    """The app signs out, at one of the processes."""
    answer = servers.wires[0].post(
        "/api/v1/auth/token/revoke", {"refresh": pair.refresh}
    )
    assert answer.status == 204


def out_by_session(servers, user, pair):
    """The person ends this device from another one."""
    other = signed_in(user).access
    answer = servers.wires[1].delete(
        f"/api/v1/auth/sessions/{pair.session_id}", token=other
    )
    assert answer.status == 204


def closed(servers, user, pair):
    """An administrator closes the account, in a process of his own."""
    accounts.close_account(user)


def closed_behind_the_services(servers, user, pair):
    """Somebody closes it in the database itself."""
    type(user).objects.filter(id=user.id).update(is_active=False)


def other_password(servers, user, pair):
    """The person changes the password on another device."""
    other = signed_in(user).access
    given = {"current_password": PASSWORD, "password": NEW_PASSWORD}
    answer = servers.wires[2].post("/api/v1/auth/password", given, token=other)
    assert answer.status == 204, answer.body


def signed_out_everywhere(servers, user, pair):
    """An administrator ends all sessions of the person."""
    sessions.sign_out_everywhere(user)


WAYS = [
    out_by_refresh_token,
    out_by_session,
    closed,
    closed_behind_the_services,
    other_password,
    signed_out_everywhere,
]


def late_of(group, people, trials):
    """Return how many first answers still let somebody in, and the longest wait."""
    late, longest = 0, 0.0
    for end in islice(cycle(WAYS), trials):
        user = people.make()
        pair = signed_in(user)
        before = group.everywhere(ME, token=pair.access)
        assert [answer.status for answer in before] == [200] * 3, before
        end(group, user, pair)
        begun = time.monotonic()
        after = group.everywhere(ME, token=pair.access)
        longest = max(longest, time.monotonic() - begun)
        late += sum(answer.status != 401 for answer in after)
    return late, longest


@pytest.mark.parametrize("trials", TRIALS)
def test_who_is_out_is_out_in_every_process(servers, people, trials):
    late, longest = late_of(servers, people, trials)

    assert late == 0
    print(f"{trials} trials, all three had answered within {longest:.3f} s")  # noqa: T201 - a figure of the proof


@pytest.mark.parametrize("trials", TRIALS)
def test_who_is_out_is_out_without_the_cache_too(servers, people, valkey, trials):
    valkey.kill()
    try:
        late, longest = late_of(servers, people, trials)
    finally:
        valkey.start()

    assert late == 0
    print(f"{trials} trials, all three had answered within {longest:.3f} s")  # noqa: T201 - a figure of the proof


def test_a_process_that_remembers_sessions_is_seen(flawed, people):
    late, _ = late_of(flawed, people, 4)

    assert late > 0


@pytest.mark.parametrize("trials", TRIALS)
def test_a_lost_role_changes_the_next_answer_and_leaves_the_session(
    servers, people, trials
):
    for _ in range(trials // 4):
        user = people.make(role="sales_manager")
        access = signed_in(user).access

        before = asked_about(servers, user, access)
        revoke_assignment(
            SYSTEM,
            assignment=Assignment.objects.get(user=user, revoked_at=None),
            reason="left the team",
        )
        after = asked_about(servers, user, access)

        assert before == ["allow"] * 3
        assert after == ["deny"] * 3
        told = servers.everywhere(ME, token=access)
        assert [answer.status for answer in told] == [200] * 3


def asked_about(group, user, access):
    """Return what each process says that the user may."""
    body = {"user": user.username, "permission": CODE}
    answers = [wire.post(CHECK, body, token=access) for wire in group.wires]
    return [answer.json().get("outcome") for answer in answers]


@pytest.mark.parametrize("trials", TRIALS)
def test_a_revoked_key_opens_nothing_in_any_process(servers, people, trials):
    for _ in range(trials // 4):
        made = made_for(people.make(role="sales_manager"), CODE)
        before = servers.everywhere(ME, token=made.text)

        revoke_key(made.key, because="revoked_by_owner")
        after = servers.everywhere(ME, token=made.text)

        assert [answer.status for answer in before] == [200] * 3, before
        assert [answer.status for answer in after] == [401] * 3
