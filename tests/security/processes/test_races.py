"""What may be used once is used once, whatever the number of processes and tries."""

from __future__ import annotations

import pytest

from accounts.models import AuthSession
from tests.security.processes.people import PASSWORD, WRONG, code_of, signed_in
from tests.security.processes.wire import Ask, volley

ME = "/api/v1/me"
TOKEN = "/api/v1/auth/token"
TRIALS = [pytest.param(2, id="few"), pytest.param(50, marks=pytest.mark.prove)]


def won(answers):
    return sum(answer.status == 200 for answer in answers)


def unfit(answers, allowed):
    """Return the answers that are neither a win nor a proper refusal."""
    return [a for a in answers if a.status != 200 and a.status not in allowed]


def refresh_at_once(group, people, runners=32):
    pair = signed_in(people.make())
    ask = Ask("POST", f"{TOKEN}/refresh", {"refresh": pair.refresh})
    return pair, volley(group.wires, [ask] * runners)


@pytest.mark.parametrize("trials", TRIALS)
def test_of_32_refreshes_at_three_processes_one_wins(servers, people, trials):
    for _ in range(trials):
        pair, answers = refresh_at_once(servers, people)

        assert won(answers) == 1
        assert unfit(answers, {401}) == []
        (winner,) = [answer.json() for answer in answers if answer.status == 200]
        assert AuthSession.objects.get(id=pair.session_id).revoked_at is not None
        for access in (pair.access, winner["access"]):
            told = servers.everywhere(ME, token=access)
            assert [answer.status for answer in told] == [401] * 3
        again = servers.wires[0].post(
            f"{TOKEN}/refresh", {"refresh": winner["refresh"]}
        )
        assert again.status == 401


def test_the_refresh_race_is_seen_where_rows_are_not_locked(flawed, people):
    assert any(won(refresh_at_once(flawed, people)[1]) > 1 for _ in range(5))


def sign_in_with_one_code(group, people, runners=16):
    user = people.make(totp=True)
    body = {"username": user.username, "password": PASSWORD, "otp": code_of(user)}
    return volley(group.wires, [Ask("POST", TOKEN, body)] * runners)


@pytest.mark.parametrize("trials", TRIALS)
def test_a_code_signs_in_once_of_16_tries(servers, people, trials):
    for _ in range(trials):
        answers = sign_in_with_one_code(servers, people)

        assert won(answers) == 1
        assert unfit(answers, {401, 409, 429}) == []


def test_the_code_race_is_seen_where_rows_are_not_locked(flawed, people):
    assert any(won(sign_in_with_one_code(flawed, people)) > 1 for _ in range(5))


def answer_one_challenge(group, people, runners=16):
    user = people.make(totp=True)
    body = {"username": user.username, "password": PASSWORD}
    asked = group.wires[0].post(TOKEN, body)
    assert asked.status == 401, asked.body
    given = {"mfa_session_id": asked.json()["mfa_session_id"], "code": code_of(user)}
    return volley(group.wires, [Ask("POST", f"{TOKEN}/mfa", given)] * runners)


@pytest.mark.parametrize("trials", TRIALS)
def test_a_sign_in_challenge_is_met_once_of_16_tries(servers, people, trials):
    for _ in range(trials):
        answers = answer_one_challenge(servers, people)

        assert won(answers) == 1
        assert unfit(answers, {401, 404, 409, 410, 429}) == []


def step_up_at_once(group, people, runners=16):
    user = people.make(totp=True)
    access = signed_in(user).access
    ask = Ask("POST", "/api/v1/auth/step-up", {"code": code_of(user)}, token=access)
    return volley(group.wires, [ask] * runners)


@pytest.mark.parametrize("trials", TRIALS)
def test_a_code_steps_up_once_of_16_tries(servers, people, trials):
    for _ in range(trials):
        answers = step_up_at_once(servers, people)

        assert won(answers) == 1
        assert unfit(answers, {400, 401, 403, 409, 410, 422, 429}) == []


def test_the_step_up_race_is_seen_where_rows_are_not_locked(flawed, people):
    assert any(won(step_up_at_once(flawed, people)) > 1 for _ in range(5))
