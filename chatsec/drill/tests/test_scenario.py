"""Scenarios are repeatable, labelled, and in the past."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from chatsec.drill.population import SCORING, TUNING, Make, populate
from chatsec.drill.scenario import (
    FIRST_SCORING_SEED,
    TUNING_SEEDS,
    Choice,
    Plan,
    UnknownKind,
    acts_of,
    last_midnight,
    make_scenario,
    plan_for,
    use_of,
)
from chatsec.drill.tests import test_quality

UNTIL = datetime(2026, 3, 10, tzinfo=UTC)
SMALL = Make(size=40, programs=2, dormant=6)


def small(use="tuning", seed=1, **changes):
    kinds = plan_for(use).kinds
    plan = Plan(SMALL, kinds, days=14, history_days=4, **changes)
    return make_scenario(seed, plan, until=UNTIL)


def test_the_same_seed_makes_the_same_scenario():
    assert small() == small()


def test_another_seed_makes_another_scenario():
    assert small(seed=1).acts != small(seed=2).acts


def test_ordinary_days_do_not_depend_on_the_attacks():
    attacked, quiet = small(), small(loud=0, stealthy=0)

    assert [act for act in attacked.acts if not act.incident] == list(quiet.acts)


def test_every_hostile_act_has_a_label_that_covers_it():
    scenario = small("scoring")
    labels = {incident.number: incident for incident in scenario.incidents}

    for act in scenario.acts:
        if act.incident:
            label = labels[act.incident]
            assert label.start <= act.at <= label.end
            for person in {act.person, act.to} - {-1}:
                assert act.at in label.people[person]


def test_every_label_has_acts():
    scenario = small("scoring")

    assert all(acts_of(scenario, incident) for incident in scenario.incidents)


def test_a_scenario_without_attacks_has_no_label():
    plan = plan_for("tuning").quiet()

    assert plan.kinds == ()
    assert not make_scenario(1, Plan(SMALL, (), 7, 2), until=UNTIL).incidents


def test_nothing_is_in_the_future_and_all_is_in_order():
    now = datetime.now(UTC)
    scenario = make_scenario(
        1, Plan(SMALL, plan_for("tuning").kinds, 14, 4), until=last_midnight(now)
    )
    times = [act.at for act in scenario.acts]

    assert times == sorted(times)
    assert scenario.start.timestamp() <= times[0]
    assert times[-1] < now.timestamp()


def test_attacks_begin_after_the_history():
    scenario = small("scoring")
    first = scenario.scored_from - timedelta(hours=12)  # clocks elsewhere are ahead

    assert all(incident.start >= first.timestamp() for incident in scenario.incidents)


def test_each_attack_is_loud_or_stealthy_and_never_both():
    for seed in range(1, 7):
        for incident in small(seed=seed).incidents:
            assert incident.is_loud != incident.is_stealthy, incident


def test_each_kind_is_played_with_every_strength_over_the_seeds():
    seen = Counter(
        (incident.kind, incident.strength)
        for seed in range(1, 7)
        for incident in small(seed=seed).incidents
    )

    assert {strength for _, strength in seen} == {0.25, 0.5, 1.0, 2.0, 4.0}


def test_there_are_ten_kinds_to_tune_on_and_eight_that_are_held_out():
    tuning = {kind.name for kind in plan_for("tuning").kinds}
    scoring = {kind.name for kind in plan_for("scoring").kinds}

    assert len(tuning) >= 10
    assert tuning < scoring
    assert len(scoring - tuning) >= 8


def test_only_kinds_without_tuning_are_held_out():
    tuning = {kind.name for kind in plan_for("tuning").kinds}

    for kind in plan_for("scoring").kinds:
        assert kind.is_held_out is (kind.name not in tuning)
    for incident in small("scoring").incidents:
        assert incident.is_held_out is (incident.kind not in tuning)


def test_kinds_can_be_chosen():
    plan = Choice(kinds=("slow_reading", "code_guessing")).plan("tuning")

    assert [kind.name for kind in plan.kinds] == ["slow_reading", "code_guessing"]


@pytest.mark.parametrize("name", ["held out", "nonsense"])
def test_held_out_and_unknown_kinds_cannot_be_chosen(name):
    held_out = next(kind for kind in plan_for("scoring").kinds if kind.is_held_out)
    name = held_out.name if name == "held out" else name

    with pytest.raises(UnknownKind, match=name) as refused:
        Choice(kinds=(name,)).plan("tuning")
    # What the names are is not given away.
    assert not any(
        kind.name in str(refused.value)
        for kind in plan_for("scoring").kinds
        if kind.is_held_out and kind.name != name
    )


def test_held_out_kinds_can_be_chosen_by_who_says_so():
    held_out = next(kind for kind in plan_for("scoring").kinds if kind.is_held_out)
    plan = Choice(kinds=(held_out.name,), knows_held_out=True).plan("tuning")

    assert plan.kinds == (held_out,)


def test_another_organisation_can_be_chosen_that_is_not_the_one_that_judges():
    plan = Choice(organisation="other").plan("tuning")

    assert plan.make not in (TUNING, SCORING)
    assert not {zone for zone, _ in plan.make.zones} & {
        zone for zone, _ in (*TUNING.zones, *SCORING.zones)
    }


def test_no_seed_is_tuned_and_scored_on():
    assert {use_of(seed) for seed in TUNING_SEEDS} == {"tuning"}
    for seed in (*range(FIRST_SCORING_SEED, FIRST_SCORING_SEED + 100), 2**31):
        assert use_of(seed) == "scoring"


def test_the_next_score_is_of_the_other_organisation_with_what_is_held_out():
    first, _, last = test_quality.SEEDS.partition("-")

    for seed in range(int(first), int(last) + 1):
        plan = Choice().plan(use_of(seed))
        assert plan.make is SCORING
        assert any(kind.is_held_out for kind in plan.kinds)


def test_only_people_without_the_right_open_pages_that_are_refused():
    roles = {
        scenario.people[act.person].role
        for scenario in map(small, ["tuning"] * 3, (1, 2, 3))
        for act in scenario.acts
        if act.verb == "open_page"
    }

    assert roles
    assert "admin" not in roles


def test_the_organisation_that_judges_differs():
    zones = {person.zone for person in populate(SCORING, 1001)}

    assert zones - {person.zone for person in populate(TUNING, 1)}
    assert SCORING.programs == 3 * TUNING.programs


@pytest.mark.parametrize("make", [TUNING, SCORING])
def test_accounts_are_the_same_for_each_seed(make):
    one, other = populate(make, 1), populate(make, 2)

    assert [(p.name, p.role, p.declared, p.is_program) for p in one] == [
        (p.name, p.role, p.declared, p.is_program) for p in other
    ]


@pytest.mark.parametrize("make", [TUNING, SCORING])
def test_the_organisation_has_everybody(make):
    people = populate(make, 7)

    assert [person.index for person in people] == list(range(len(people)))
    assert sum(not person.is_program for person in people) == 250
    assert {person.role for person in people} == {
        "employee",
        "sales_rep",
        "sales_manager",
        "hr_specialist",
        "finance",
        "admin",
    }
    assert sum(person.dormant_from is not None for person in people) == 12
