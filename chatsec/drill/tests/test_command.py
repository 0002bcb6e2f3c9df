"""`manage.py drill` and its limits."""

from datetime import UTC, datetime

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.core.management.base import CommandError

from chatsec.drill import arena, playing
from chatsec.drill.__main__ import main, parser, seeds_in
from chatsec.drill.population import Make
from chatsec.drill.scenario import Plan, make_scenario, plan_for

NOW = datetime(2026, 3, 10, tzinfo=UTC)
SCENARIO = make_scenario(1, Plan(Make(5, 0, dormant=0), (), 1, 0), until=NOW)


def test_it_is_refused_in_production(settings):
    settings.PRODUCTION = True

    with pytest.raises(CommandError, match="production"):
        call_command("drill", "generate")


@pytest.mark.parametrize(
    "play",
    [arena.prepare, lambda: playing.learn(NOW), lambda: playing.play_by_api(SCENARIO)],
)
def test_nothing_is_played_in_production(settings, play):
    settings.PRODUCTION = True

    with pytest.raises(ImproperlyConfigured, match="production"):
        play()


@pytest.mark.parametrize(
    ("text", "expected"),
    [("3", [3]), ("1-3", [1, 2, 3]), ("1,4-5", [1, 4, 5])],
)
def test_it_reads_seeds(text, expected):
    assert seeds_in(text) == expected


def test_it_says_which_kinds_there_are_and_never_the_held_out(monkeypatch):
    # The tests that follow read logs.
    monkeypatch.setattr("logging.disable", lambda level: None)
    held_out = {kind.name for kind in plan_for("scoring").kinds if kind.is_held_out}

    with pytest.raises(SystemExit) as ended:
        main(["generate", "--kinds", "nonsense"])

    assert "slow_reading" in str(ended.value.code)
    assert not any(name in str(ended.value.code) for name in held_out)


def test_it_knows_its_arguments():
    options = parser().parse_args(["score", "--seeds", "1001-1003", "--json"])

    assert (options.what, options.seeds, options.json) == ("score", "1001-1003", True)
