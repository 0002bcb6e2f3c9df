"""What may be used once is used once, whatever the number of processes and tries."""

from __future__ import annotations

import pytest

from accounts.models import AuthSession, Passkey
from accounts.notices import INVITED, PASSWORD_RESET_ASKED
from accounts.services import (
    challenges,
    factors,
    invitations,
    passkey_sign_in,
    passwords,
    proof,
)
from accounts.tests.links import mailed_token
from accounts.tests.soft_passkey import set_up_passkey
from tests.security.processes.people import (
    NEW_PASSWORD,
    PASSWORD,
    WRONG,
    code_of,
    signed_in,
)
from tests.security.processes.wire import Ask, any_address, csrf_of, volley

ME = "/api/v1/me"
TOKEN = "/api/v1/auth/token"
MFA = f"{TOKEN}/mfa"
TRIALS = [
    pytest.param(2, id="few"),
    pytest.param(50, id="many", marks=pytest.mark.prove),
]


def won(answers):
    return sum(answer.status in (200, 204) for answer in answers)


def is_refused_properly(answer):
    return 400 <= answer.status < 500 and answer.code


def is_won_once(answers):
    statuses = sorted(answer.status for answer in answers)
    return statuses == [200, *[401] * (len(answers) - 1)]


def refresh_at_once(group, people):
    pair = signed_in(people.make())
    ask = Ask("POST", f"{TOKEN}/refresh", {"refresh": pair.refresh})
    return pair, volley(group.wires, [ask] * 32)


@pytest.mark.parametrize("trials", TRIALS)
def test_of_32_refreshes_at_three_processes_one_wins(servers, people, trials):
    for _ in range(trials):
        pair, answers = refresh_at_once(servers, people)

        assert is_won_once(answers), [answer.status for answer in answers]
        (winner,) = [answer.json() for answer in answers if answer.status == 200]
        assert AuthSession.objects.get(id=pair.session_id).revoked_at is not None
        for access in (pair.access, winner["access"]):
            told = servers.everywhere(ME, token=access)
            assert [answer.status for answer in told] == [401] * 3
        spent = {"refresh": winner["refresh"]}
        assert servers.wires[0].post(f"{TOKEN}/refresh", spent).status == 401


def test_the_refresh_race_is_seen_where_rows_are_not_locked(flawed, people):
    """A constraint still lets one of them win, as a rule: the rest are faults."""
    volleys = [refresh_at_once(flawed, people)[1] for _ in range(3)]

    assert not all(map(is_won_once, volleys))


def asked(user, code):
    """Return 16 answers, each to a sign-in of its own, all with this one code."""
    waiting = [challenges.start_sign_in(user) for _ in range(16)]
    return [
        Ask("POST", MFA, {"mfa_session_id": str(challenge.id), "code": code})
        for challenge in waiting
    ]


def totp_code(people):
    user = people.make(totp=True)
    return asked(user, code_of(user))


def recovery_code(people):
    user = people.make(totp=True)
    return asked(user, factors.make_recovery_codes(user)[0])


def sign_in_challenge(people):
    user = people.make(totp=True)
    given = {
        "mfa_session_id": str(challenges.start_sign_in(user).id),
        "code": code_of(user),
    }
    return [Ask("POST", MFA, given)] * 16


def sign_in_challenge_by_different_codes(people):
    """The challenge's own guard: each try brings another good code."""
    user = people.make(totp=True)
    codes = [*factors.make_recovery_codes(user), code_of(user)]
    waiting = str(challenges.start_sign_in(user).id)
    return [
        Ask("POST", MFA, {"mfa_session_id": waiting, "code": codes[n % len(codes)]})
        for n in range(16)
    ]


def step_up(people):
    user = people.make(totp=True)
    given, access = {"code": code_of(user)}, signed_in(user).access
    return [Ask("POST", "/api/v1/auth/step-up", given, token=access)] * 16


def reset_link(people):
    user = people.make()
    passwords.ask_reset(user.username)
    token = mailed_token(user, kind=PASSWORD_RESET_ASKED)
    path = "/api/v1/auth/password/reset/confirm"
    return [
        Ask("POST", path, {"token": token, "password": f"{NEW_PASSWORD} {n}"})
        for n in range(16)
    ]


def invitation(people):
    name = people.name()
    user = invitations.invite(name, email=f"{name}@example.org", display_name=name)
    token = mailed_token(user, kind=INVITED)
    given = {"token": token, "password": NEW_PASSWORD, "display_name": "Somebody"}
    return [Ask("POST", "/api/v1/auth/invitation", given)] * 16


def uncounted_passkey(user):
    """Return a device without a counter: the question alone has to see to it."""
    device = set_up_passkey(user)
    device.counts, device.count = False, 0
    Passkey.objects.filter(user=user).update(sign_count=0)
    return device


def passkey_alone(people):
    device = uncounted_passkey(people.make())
    ticket, options = passkey_sign_in.ask()
    given = {"ticket": ticket, "passkey": device.get(options)}
    return [Ask("POST", f"{TOKEN}/passkey", given)] * 16


def second_passkey(people):
    user = people.make()
    device = uncounted_passkey(user)
    challenge = challenges.start_sign_in(user)
    answer = device.get(challenges.ask_for_passkey(challenge))
    given = {"mfa_session_id": str(challenge.id), "passkey": answer}
    return [Ask("POST", MFA, given)] * 16


def passkey_step_up(people):
    user = people.make()
    device = uncounted_passkey(user)
    access = signed_in(user).access
    session = AuthSession.objects.filter(user=user).latest("created_at")
    question_id, options = proof.ask_for_passkey(session)
    given = {"question_id": str(question_id), "passkey": device.get(options)}
    return [Ask("POST", "/api/v1/auth/step-up", given, token=access)] * 16


SINGLE_USE = [
    totp_code,
    recovery_code,
    sign_in_challenge,
    sign_in_challenge_by_different_codes,
    step_up,
    reset_link,
    invitation,
    passkey_alone,
    second_passkey,
    passkey_step_up,
]


@pytest.mark.parametrize("trials", TRIALS)
@pytest.mark.parametrize("made", SINGLE_USE, ids=lambda made: made.__name__)
def test_of_16_uses_at_three_processes_one_counts(servers, people, made, trials):
    for _ in range(trials):
        answers = volley(servers.wires, made(people))

        assert won(answers) == 1
        refused = [a for a in answers if is_refused_properly(a)]
        assert len(refused) == 15, [a.status for a in answers]


@pytest.mark.parametrize(
    "made", [totp_code, step_up, sign_in_challenge, second_passkey]
)
def test_a_second_use_is_seen_where_rows_are_not_locked(flawed, people, made):
    assert any(won(volley(flawed.wires, made(people))) > 1 for _ in range(10))


# The budget of an account is one, whichever door the guess comes by. The admin site's
# own door has no lock to try: it leads to the one page for signing in.
PAGES = ("/sign-in", "/sign-in?next=/admin/", "/admin/login/")


def guesses(user, number, cookies, token):
    body = {"username": user.username, "password": f"{WRONG} {number}"}
    # The servers take turns in threes, so each of them gets each kind.
    kind = number // 3 % 4
    if kind == 3:
        return Ask("POST", TOKEN, body, address=any_address())
    form = {**body, "csrfmiddlewaretoken": token}
    return Ask("POST", PAGES[kind], form=form, cookies=cookies)


def checked(answer):
    """Whether the password was looked at, as far as one can tell from outside."""
    return answer.status in (400, 401) and b"Wrong user name or password" in answer.body


def is_problem(answer):
    return answer.headers.get("content-type") == "application/problem+json"


def guess_at_once(group, user):
    cookies, token = csrf_of(group.wires[0])
    return volley(group.wires, [guesses(user, n, cookies, token) for n in range(64)])


@pytest.mark.parametrize(
    "trials",
    [
        pytest.param(1, id="one"),
        pytest.param(20, id="many", marks=pytest.mark.prove),
    ],
)
def test_of_64_wrong_passwords_five_are_looked_at(servers, people, trials):
    for _ in range(trials):
        user = people.make()

        answers = guess_at_once(servers, user)

        assert sum(map(checked, answers)) == 5
        refused = [answer for answer in answers if not checked(answer)]
        sent_on = [answer for answer in refused if answer.status == 302]
        assert all("/sign-in" in answer.headers["location"] for answer in sent_on)
        assert len(sent_on) == 15
        assert [a.status for a in refused if a.status != 302] == [429] * 44
        # Locked, or so many at once that nobody looked.
        assert {a.code for a in refused if is_problem(a)} <= {"account_locked", "busy"}
        right = {"username": user.username, "password": PASSWORD}
        locked = servers.wires[1].post(TOKEN, right)
        assert (locked.status, locked.code) == (429, "account_locked")
        assert 600 < int(locked.headers["retry-after"]) <= 900


def test_more_guesses_are_seen_where_rows_are_not_locked(flawed, people):
    assert sum(map(checked, guess_at_once(flawed, people.make()))) > 5
