"""What people do is counted by the hour, compared with, and forgotten."""

from __future__ import annotations

import pytest

from auditlog import events, habit_data
from auditlog.models import ActorBaseline, ActorHour
from auditlog.services import detection
from auditlog.tests.detection.factories import (
    DAY,
    HOUR,
    MINUTE,
    NOW,
    every,
    make_events,
    make_habits,
    person,
    pseudonym_of,
)
from auditlog.tests.factories import destroy_key, make_actor

pytestmark = pytest.mark.django_db


class TestActivity:
    def test_hours_are_counted_once_however_often(self) -> None:
        actor = make_actor()
        who = pseudonym_of(actor)
        hour = NOW.replace(minute=0, second=0, microsecond=0) - HOUR
        make_events(
            events.CHATBOT_QUERY,
            every(MINUTE, count=5, until=hour + 10 * MINUTE),
            actor_pseudonym=who,
        )
        make_events(
            events.DATA_ACCESS,
            [hour, hour + MINUTE],
            actor_pseudonym=who,
            result_count=20,
            resource_type="sales",
            resource_id="q",
        )
        make_events(
            "accounts.sign_in_failed",
            [hour],
            subject_pseudonym=who,
            actor_kind="anonymous",
        )

        for _ in range(2):
            detection.roll_up_hours(now=NOW)

        row = ActorHour.objects.get(actor_pseudonym=who)
        assert row.hour == hour
        counts = (row.queries, row.records, row.resources, row.denials, row.failures)
        assert counts == (5, 40, 1, 0, 1)

    def test_baselines_are_medians_of_ones_own_days_and_of_everybodys(self) -> None:
        who = person()
        evening = NOW.replace(hour=20)
        noon = NOW.replace(hour=12, minute=0, second=0, microsecond=0)
        ActorHour.objects.bulk_create(
            ActorHour(
                actor_pseudonym=who, hour=noon - age * DAY, queries=9, records=age
            )
            for age in range(1, 28)
        )

        detection.refresh_baselines(now=evening)

        day = ActorBaseline.objects.get(
            actor_pseudonym=who, metric="queries", hour_class="day"
        )
        assert day.median == pytest.approx(2.302585)
        assert (day.mad, day.n) == (0, 21)
        everybody = ActorBaseline.objects.filter(actor_pseudonym=None)
        assert {row.hour_class for row in everybody} <= {"work", "weekend", "day"}
        assert detection.refresh_baselines(now=evening + HOUR) == 0
        assert detection.refresh_baselines(now=evening + DAY) > 0

    def test_the_erased_have_no_habits(self) -> None:
        actor = make_actor()
        assert actor.id is not None
        make_habits(actor.id)
        make_events(events.CHATBOT_QUERY, [NOW], actor_pseudonym=pseudonym_of(actor))

        for erase in (
            habit_data.erase_hours,
            habit_data.erase_baselines,
            habit_data.erase_signs,
        ):
            assert erase(actor.id) == 1
        destroy_key(actor.id)
        detection.refresh_baselines(now=NOW, at_once="now")

        assert not ActorHour.objects.exists()
        assert not ActorBaseline.objects.exists()
