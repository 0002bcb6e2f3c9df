"""Signing keys change while tokens are in use: none is refused before its end."""

import json
import stat
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from io import StringIO
from types import SimpleNamespace
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command
from django.test import Client, override_settings
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from accounts import access_tokens
from accounts.constants import ACCESS_TOKEN_LIFE
from accounts.errors import InvalidToken
from chatsec import installation

NAME = "CHATSEC_TOKEN_KEYS"
START = datetime(2030, 1, 1, tzinfo=UTC)
LIFE = int(ACCESS_TOKEN_LIFE.total_seconds())
LEAD, OVERLAP = 900, LIFE + 65


def next_keys(value, at):
    """Return the keys after a rotation that begins `at` seconds after the start."""
    now = int(START.timestamp()) + at
    return installation.next_token_keys(
        value, signs_from=now + LEAD, overlap=OVERLAP, now=now
    )


@contextmanager
def process(value, monkeypatch, *, at):
    """Be a process that was started with these keys, at a moment of its own clock."""
    keys, times = installation._timed_keys(value)
    monkeypatch.setattr(
        access_tokens.timezone, "now", lambda: START + timedelta(seconds=at)
    )
    with override_settings(CHATSEC_TOKEN_KEYS=keys, CHATSEC_TOKEN_KEY_TIMES=times):
        yield


def has_good_signature(token):
    """Whether a key that verifies now signed it; PyJWT reads a clock of its own."""
    jwt = access_tokens.jwt
    key = access_tokens._public_key(jwt.get_unverified_header(token))
    timeless = {"verify_exp": False, "verify_nbf": False, "verify_iat": False}
    audience = access_tokens.AUDIENCE
    return jwt.decode(token, key, ["EdDSA"], options=timeless, audience=audience)


def a_session(at):
    begun = START + timedelta(seconds=at)
    return SimpleNamespace(
        id=uuid4(),
        user_id=uuid4(),
        amr=["pwd"],
        authenticated_at=begun,
        expires_at=begun + timedelta(hours=12),
    )


def kids():
    return [each["kid"] for each in access_tokens.public_keys()["keys"]]


@given(
    signed=st.integers(0, 4000),
    age=st.integers(0, LIFE - 1),
    restarts=st.lists(st.integers(0, LEAD - 2), min_size=2, max_size=2),
    skew=st.integers(-30, 30),
)
def test_a_token_holds_to_its_end_through_two_rotations(signed, age, restarts, skew):
    """One process signs, another verifies, and each restarted at a time of its own."""
    first = installation.generated()[NAME]
    second = next_keys(first, 0)
    third = next_keys(second, 2000)

    def value_at(moment, restarted):
        if moment < restarted:
            return first
        return second if moment < 2000 + restarted else third

    with pytest.MonkeyPatch.context() as patched:
        signer = value_at(signed, restarts[0])
        with process(signer, patched, at=signed):
            token = access_tokens.sign(a_session(signed)).text
        seen = signed + age
        # Clocks differ: a token from a clock ahead is refused by its nbf, not its key.
        clock = max(signed, min(seen + skew, signed + LIFE - 1))
        with process(value_at(seen, restarts[1]), patched, at=clock):
            assert has_good_signature(token)


def test_the_new_key_is_published_before_it_signs(monkeypatch):
    first = installation.generated()[NAME]
    second = next_keys(first, 0)
    old, new = "k1", second.split(":")[0]

    def signer():
        token = access_tokens.sign(a_session(0)).text
        return access_tokens.jwt.get_unverified_header(token)["kid"]

    with process(second, monkeypatch, at=0):
        assert (signer(), set(kids())) == (old, {old, new})
    with process(second, monkeypatch, at=LEAD):
        assert (signer(), set(kids())) == (new, {old, new})
    with process(second, monkeypatch, at=LEAD + OVERLAP):
        assert (signer(), kids()) == (new, [new])


def test_an_old_key_verifies_nothing_after_its_time(monkeypatch):
    first = installation.generated()[NAME]
    second = next_keys(first, 0)
    late = LEAD + OVERLAP
    with process(first, monkeypatch, at=late):
        forged_late = access_tokens.sign(a_session(late)).text

    with process(second, monkeypatch, at=late), pytest.raises(InvalidToken):
        has_good_signature(forged_late)


def test_keys_whose_time_is_over_are_dropped():
    first = installation.generated()[NAME]
    second = next_keys(first, 0)

    third = next_keys(second, LEAD + OVERLAP)

    assert len(third.split(",")) == 2
    assert "k1:" not in third


@pytest.mark.parametrize(
    "value",
    ["", ":", "k1", "k1:AAAA", "k1:{seed}:soon", "k1:{seed}:1:2:3", "k1:{seed}:-1"],
)
def test_keys_of_another_form_stop_the_start(value):
    seed = installation._random_key()

    with pytest.raises(installation.MissingSetting):
        installation._timed_keys(value.format(seed=seed))


def test_a_year_of_digits_is_no_time():
    seed = installation._random_key()

    with pytest.raises(installation.MissingSetting):
        installation._timed_keys(f"k1:{seed}:{'9' * 400}")


@pytest.fixture
def kept(settings, tmp_path, monkeypatch):
    monkeypatch.delenv(NAME, raising=False)
    settings.CHATSEC_DATA_DIR = tmp_path
    installation.load({}, tmp_path, environment="development")
    return tmp_path / "secrets.json"


def rotate(**options):
    printed, said = StringIO(), StringIO()
    call_command("rotate_token_keys", stdout=printed, stderr=said, **options)
    return printed.getvalue(), said.getvalue()


def test_generated_keys_are_replaced_where_they_are(kept):
    before = json.loads(kept.read_text())

    printed, said = rotate()

    after = json.loads(kept.read_text())
    assert printed == ""
    assert "Start every process again" in said
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert {**after, NAME: ""} == {**before, NAME: ""}
    assert before[NAME] in after[NAME]
    loaded = installation.load({}, kept.parent, environment="development")
    assert list(loaded.token_keys)[1:] == ["k1"]


def test_keys_from_the_environment_are_printed(kept, monkeypatch):
    monkeypatch.setenv(NAME, installation.generated()[NAME])
    before = kept.read_text()

    printed, _ = rotate(minutes=30)

    keys, times = installation._timed_keys(printed.strip().removeprefix(f"{NAME}="))
    new, old = keys
    now = timezone.now().timestamp()
    assert 29 * 60 < times[new][0] - now <= 30 * 60
    assert times[old][1] - times[new][0] > LIFE
    assert kept.read_text() == before


def test_there_is_time_for_everybody_to_learn_of_it(kept):
    with pytest.raises(CommandError, match="At least 6 minutes"):
        rotate(minutes=5)


@pytest.mark.django_db
def test_the_key_set_says_how_long_it_may_be_kept():
    answer = Client().get("/.well-known/jwks.json")

    assert answer["Cache-Control"] == "public, max-age=300"
    assert "d" not in answer.json()["keys"][0]
