"""Alerts are compared with labels as the report says."""

from dataclasses import replace

import pytest

from chatsec.drill.model import Incident, Person, chance_of
from chatsec.drill.report import as_json, as_text, is_loud
from chatsec.drill.scoring import GRACE, Found, Result, Share, judge, matches

ATTACK = Incident(
    number=1,
    kind="bulk_reading",
    strength=2.0,
    has_mimicry=False,
    has_evasion=False,
    start=1000.0,
    end=5000.0,
    people={3: (1000.0, 3000.0, 5000.0)},
    networks=frozenset({"45.1.1"}),
)
PEOPLE = [Person(index, f"p{index}", "employee", "Sales") for index in range(10)]


def judged(*alerts, incidents=(ATTACK,)):
    return judge(incidents, alerts, PEOPLE, days=1.0, chance=chance_of(1))


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (Found("r", 1000.0, person=3), True),
        (Found("r", 5000.0 + GRACE, person=3), True),
        (Found("r", 999.0, person=3), False),
        (Found("r", 5001.0 + GRACE, person=3), False),
        (Found("r", 2000.0, person=4), False),
        (Found("r", 2000.0, network="45.1.1"), True),
        (Found("r", 2000.0, network="45.1.2"), False),
        (Found("r", 2000.0), False),
        (Found("r", 2000.0, person=3, first=900.0, last=1100.0), True),
        (Found("r", 2000.0, person=3, first=1100.0, last=1900.0), False),
        # One event alone: its row is written a moment after the act.
        (Found("r", 2000.0, person=3, first=1002.0, last=1002.0), True),
        (Found("r", 2000.0, person=3, first=1031.0, last=1031.0), False),
        (Found("r", 5100.0, person=3, first=5001.0, last=5001.0), True),
        (Found("r", 5100.0, person=3, first=5031.0, last=5031.0), False),
        # And never before it.
        (Found("r", 2000.0, person=3, first=999.0, last=999.0), False),
        (Found("r", 2000.0, network="45.1.1", first=0.0, last=900.0), False),
    ],
)
def test_an_alert_finds_an_attack_by_person_or_network_in_time(found, expected):
    assert matches(found, ATTACK) is expected


def test_an_alert_about_everybody_finds_an_attack_on_many():
    spray = replace(ATTACK, people=dict.fromkeys(range(8), (1000.0,)))

    assert matches(Found("r", 2000.0), spray)


def test_what_matches_nothing_is_a_false_alert():
    result = judged(Found("a", 2000.0, person=3), Found("b", 2000.0, person=4))

    assert result.recall(is_loud) == Share(1, 1)
    assert result.true_alerts == {"a": 1}
    assert result.false_alerts == {"b": 1}
    assert result.false_per_day == 25.0  # one in a day of 10 people


def test_it_takes_the_first_alert_for_the_time_to_detect():
    result = judged(Found("a", 4000.0, person=3), Found("a", 1600.0, person=3))

    assert result.minutes_to_detect(is_loud) == 10.0
    assert result.alerts_per_incident == 2.0


def test_nothing_found_is_no_recall():
    result = judged()

    assert result.recall(is_loud) == Share(0, 1)
    assert result.minutes_to_detect(is_loud) is None


def test_shuffled_labels_are_found_by_luck_only():
    alerts = [Found("a", 2000.0, person=3)]
    labels = [replace(ATTACK, number=n) for n in range(100)]

    result = judged(*alerts, incidents=labels)

    assert result.recall(is_loud) == Share(100, 100)
    assert result.by_chance == Share(0, 100)


def test_attacks_on_many_say_nothing_of_luck():
    spray = replace(ATTACK, people=dict.fromkeys(range(10, 20), (1000.0,)))

    result = judged(Found("spray", 2000.0), incidents=[spray])

    assert result.outcomes[0][1] is not None
    assert result.by_chance == Share(0, 0)


def test_results_add_up():
    result = Result()
    result.add(judged(Found("a", 2000.0, person=3)))
    result.add(judged(Found("b", 2000.0, person=4)))

    assert result.recall(is_loud) == Share(1, 2)
    assert result.days == 2.0
    assert as_json(result)["loud"]["found"] == 1
    assert any("1/2 = 50%" in line for line in as_text(result))


@pytest.mark.parametrize(
    ("share", "low", "high"),
    # Newcombe, Statistics in Medicine 17 (1998), table I, method 3.
    [
        (Share(81, 263), 0.2553, 0.3662),
        (Share(15, 148), 0.0624, 0.1605),
        (Share(0, 20), 0.0, 0.1611),
        (Share(1, 29), 0.0061, 0.1718),
    ],
)
def test_intervals_are_those_of_wilson(share, low, high):
    assert share.interval() == (
        pytest.approx(low, abs=1e-4),
        pytest.approx(high, abs=1e-4),
    )


def test_it_reports_held_out_kinds_on_their_own():
    unknown = replace(ATTACK, number=2, kind="unknown", people={4: (1000.0,)})
    unknown = replace(unknown, is_held_out=True)
    result = judged(Found("a", 2000.0, person=3), incidents=[ATTACK, unknown])

    assert as_json(result)["loud"]["of"] == 2
    assert as_json(result)["held_out"]["loud"]["of"] == 1
    lines = list(as_text(result))
    assert "- loud incidents of held-out kinds found: 0/1 = 0% (0% to 79%)" in lines
    assert any(line.startswith("| unknown (held out) |") for line in lines)
    assert not any("stealthy incidents of held-out" in line for line in lines)


def test_it_says_nothing_of_held_out_kinds_without_any():
    assert not any("held" in line for line in as_text(judged()))
