"""Both ways of playing a scenario leave the same evidence."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from django.conf import settings
from django.db import connection

from chat.tests.factories import publish_demo_catalogue
from chatsec.drill.playing import learn, needed, play_by_api, play_in_bulk
from chatsec.drill.population import Make
from chatsec.drill.scenario import Plan, last_midnight, make_scenario, plan_for
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


def evidence(scenario):
    with connection.cursor() as cursor:
        cursor.execute(VISIBLE, [scenario.start, scenario.end])
        return Counter(cursor.fetchall())


def differences(plan, seed, *, at_most=None):
    """Return what one way leaves and the other does not, and how much there is.

    `at_most` so many acts are played that belong to no attack.
    """
    scenario = make_scenario(seed, plan, until=last_midnight(datetime.now(UTC)))
    ordinary = [act for act in scenario.acts if not act.incident][:at_most]
    hostile = [act for act in scenario.acts if act.incident]
    scenario = replace(scenario, acts=tuple(sorted(ordinary + hostile)))
    shapes = learn(scenario.start, needed(scenario))
    database.copy_template()
    play_in_bulk(scenario, shapes)
    made = evidence(scenario)
    database.copy_template()
    publish_demo_catalogue(settings.BUSINESS_DATABASE_URL)
    play_by_api(scenario)
    real = evidence(scenario)
    return made - real, real - made, real.total()


def kinds(*names):
    return tuple(kind for kind in plan_for("scoring").kinds if kind.name in names)


def test_they_leave_the_same_events():
    attacks = kinds("code_guessing", "burst_of_denials")
    make = Make(size=6, programs=1, dormant=0)
    plan = Plan(make, attacks, days=3, history_days=0, loud=0, stealthy=1)

    too_many, missing, count = differences(plan, 5, at_most=40)

    assert not too_many
    assert not missing
    assert count > 50


@pytest.mark.prove
def test_they_leave_the_same_events_of_every_kind_of_attack():
    make = Make(size=16, programs=1, dormant=2)
    attacks = plan_for("scoring").kinds
    plan = Plan(make, attacks, days=10, history_days=1, loud=1, stealthy=1)

    too_many, missing, count = differences(plan, 4)

    assert not too_many
    assert not missing
    assert count > 5000
