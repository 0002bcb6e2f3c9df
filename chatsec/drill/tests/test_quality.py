"""What the rules are good for, on attacks and people that they were not made for."""

import json

import pytest

from chatsec.drill import separate

# Those before have been scored on: what is missed there is known.
SEEDS = "1028-1030"


@pytest.fixture(scope="module")
def scores(pytestconfig):
    command = ["score", "--seeds", SEEDS, "--jobs", "2", "--json"]
    found = json.loads(separate.run(command))
    plugins = pytestconfig.pluginmanager
    with plugins.getplugin("capturemanager").global_and_fixture_disabled():
        for line in lines(found["rules"]):
            plugins.getplugin("terminalreporter").write_line(line)
    return found


def lines(rules):
    """Yield what was found, of all kinds and of those that no rule was tuned on."""
    for group, shares in (("all kinds", rules), ("held-out kinds", rules["held_out"])):
        for how in ("loud", "stealthy"):
            share = shares[how]
            yield (
                f"{how} attacks of {group}: {share['found']} of {share['of']},"
                f" {share['from']:.0%} to {share['to']:.0%}"
            )
    yield f"false alerts a day: {rules['false_alerts_per_day_per_250']:.2f}"


@pytest.mark.prove
def test_kinds_that_no_rule_was_made_for_are_among_them(scores):
    found = scores["rules"]["held_out"]

    assert found["loud"]["of"] >= 24
    assert found["stealthy"]["of"] >= 24


@pytest.mark.prove
def test_they_find_nine_of_ten_loud_attacks(scores):
    assert scores["rules"]["loud"]["share"] >= 0.90


@pytest.mark.prove
def test_they_find_six_of_ten_stealthy_attacks(scores):
    assert scores["rules"]["stealthy"]["share"] >= 0.60


@pytest.mark.prove
def test_they_cry_wolf_once_a_day_for_250_people_at_most(scores):
    assert scores["rules"]["false_alerts_per_day_per_250"] <= 1.0


@pytest.mark.prove
def test_they_find_more_than_the_four_rules_of_the_reference_chapter(scores):
    rules, floor = scores["rules"], scores["floor"]
    found = rules["loud"]["found"] + rules["stealthy"]["found"]
    found_by_floor = floor["loud"]["found"] + floor["stealthy"]["found"]

    assert found >= 4 * found_by_floor


@pytest.mark.prove
def test_what_they_find_is_no_luck(scores):
    assert scores["rules"]["recall_by_chance"]["share"] <= 0.10
