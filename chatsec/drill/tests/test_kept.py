"""What is kept of a scenario is what was made, and never that of another."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from chatsec.drill.kept import Kept, Shelf
from chatsec.drill.population import OTHER, Make
from chatsec.drill.scenario import Plan, make_scenario, plan_for

UNTIL = datetime(2026, 3, 10, tzinfo=UTC)
PLAN = Plan(Make(size=40, programs=1, dormant=4), plan_for("tuning").kinds, 14, 4)
LINES = ["1\tone <3>\n", "2\ttwo <4>\\N\n"]


@pytest.fixture
def made():
    scenario = make_scenario(3, PLAN, until=UNTIL)
    return Kept(scenario, ("45.1.1", "81.2.3"), ("actor", "target"), LINES)


@pytest.fixture
def shelf(tmp_path):
    return Shelf(tmp_path / "rows", PLAN, UNTIL)


def test_it_gives_back_what_was_put(shelf, made):
    shelf.put(made)
    found = shelf.take(3)

    assert found.scenario == replace(made.scenario, acts=())
    assert (found.networks, found.columns) == (made.networks, made.columns)
    assert list(found.lines) == LINES


def test_it_knows_what_it_has(shelf, made):
    assert not shelf.has(3)
    shelf.put(made)
    assert shelf.has(3)
    assert not shelf.has(4)


@pytest.mark.parametrize(
    "change",
    [
        {"until": UNTIL + timedelta(days=1)},
        {"plan": replace(PLAN, make=OTHER)},
        {"plan": replace(PLAN, kinds=PLAN.kinds[1:])},
        {"plan": replace(PLAN, loud=1)},
    ],
)
def test_it_does_not_take_one_plan_for_another(shelf, made, change):
    shelf.put(made)

    assert not replace(shelf, **change).has(3)


def test_what_was_not_finished_is_not_there(shelf, made):
    def broken():
        yield LINES[0]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        shelf.put(replace(made, lines=broken()))

    assert not shelf.has(3)
