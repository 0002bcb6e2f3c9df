"""Both ways of playing a scenario leave the same events and alerts."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from django.conf import settings
from django.db import connection

from chat.tests.factories import publish_demo_catalogue
from chatsec.drill import watching
from chatsec.drill.playing import (
    hire_for_rows,
    learn,
    needed,
    play_by_api,
    play_in_bulk,
)
from chatsec.drill.population import Make
from chatsec.drill.scenario import Plan, last_midnight, make_scenario, plan_for
from chatsec.drill.watching import rules, watch
from tests import database

pytestmark = [
    pytest.mark.django_db(
        transaction=True, databases=["default", "owner", "retention"]
    ),
    pytest.mark.usefixtures("catalogue"),
]
# What rules can see of an event; stand-ins for digests are compared by being there.
VISIBLE = """
    SELECT event_type, category, severity, outcome, actor_kind, channel, resource_type,
        CASE WHEN resource_id LIKE '%%-%%' THEN '' ELSE resource_id END,
        classification, result_count, redacted, redaction_count, country,
        schema_version, date_trunc('day', occurred_at), expires_at - occurred_at,
        session_hash IS NULL, ip_hash IS NULL, network_hash IS NULL,
        device_hash IS NULL, actor_pseudonym IS NULL, subject_pseudonym IS NULL
    FROM auditlog_event WHERE occurred_at BETWEEN %s AND %s
"""


def alerts(scenario, accounts):
    """Return what the rules find, by rule and person; networks are stand-ins."""
    watch(scenario, rules(), every=timedelta(hours=6))
    found = watching.alerts(accounts, {}, scenario)
    return Counter((one.rule, one.person, one.network is None) for one in found)


def evidence(scenario):
    with connection.cursor() as cursor:
        cursor.execute(VISIBLE, [scenario.start, scenario.end])
        return Counter(cursor.fetchall())


def both_ways(plan, seed, *, at_most=None):
    """Return the events and alerts of both ways of playing it.

    `at_most` so many acts are played that belong to no attack.
    """
    scenario = make_scenario(seed, plan, until=last_midnight(datetime.now(UTC)))
    ordinary = [act for act in scenario.acts if not act.incident][:at_most]
    hostile = [act for act in scenario.acts if act.incident]
    scenario = replace(scenario, acts=tuple(sorted(ordinary + hostile)))
    shapes = learn(scenario.start, needed(scenario))
    database.copy_template()
    accounts = hire_for_rows(scenario.people, start=scenario.start)
    play_in_bulk(scenario, shapes, accounts)
    made = evidence(scenario), alerts(scenario, accounts)
    database.copy_template()
    publish_demo_catalogue(settings.BUSINESS_DATABASE_URL)
    accounts = play_by_api(scenario)
    real = evidence(scenario), alerts(scenario, accounts)
    return made, real


def kinds(*names):
    return tuple(kind for kind in plan_for("scoring").kinds if kind.name in names)


def test_they_leave_the_same_events_and_alerts():
    attacks = kinds("code_guessing", "burst_of_denials")
    make = Make(size=6, programs=1, dormant=0)
    plan = Plan(make, attacks, days=3, history_days=0, loud=1, stealthy=0)

    made, real = both_ways(plan, 5, at_most=40)

    assert made == real
    assert made[0].total() > 50
    assert made[1]


@pytest.mark.prove
def test_they_leave_the_same_of_every_kind_of_attack():
    make = Make(size=16, programs=1, dormant=2)
    attacks = plan_for("scoring").kinds
    plan = Plan(make, attacks, days=10, history_days=1, loud=1, stealthy=1)

    made, real = both_ways(plan, 4)

    assert made == real
    assert made[0].total() > 5000
    assert made[1].total() > 10
