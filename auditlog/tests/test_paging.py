"""Pages by key give what one long list would give, whichever way one turns."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from auditlog import events, selectors
from auditlog.models import Event
from auditlog.selectors import EventFilter, Key, Turn
from auditlog.tests.factories import make_actor, make_event
from chatsec.core.errors import Invalid

pytestmark = pytest.mark.django_db
NOW = timezone.now()
# Some at the same moment, some so far apart that a page needs several spans of time.
AGES = [0, 0, 0, 1, 59, 61, 61, 600, 4_000, 4_000, 30_000, 40_000, 40_000]
FILTERS: list[EventFilter] = [
    {},
    {"event_type": "chatbot_query"},
    {"outcome": "denied"},
    {"since": NOW - timedelta(minutes=4_000)},
    {"until": NOW - timedelta(minutes=60), "category": "access"},
]


@pytest.fixture
def log() -> list[Event]:
    actor = make_actor()
    return [
        make_event(
            actor=actor,
            at=NOW - timedelta(minutes=age),
            outcome="denied" if number % 3 == 0 else "success",
        )
        for number, age in enumerate(AGES)
    ]


def expected(wanted: EventFilter) -> list[Event]:
    return list(selectors.list_events(**wanted))


@pytest.mark.parametrize(
    "wanted", FILTERS, ids=lambda wanted: "+".join(wanted) or "all"
)
@pytest.mark.parametrize("size", [1, 2, 5, 50])
def test_pages_forward_are_the_list(
    log: list[Event], wanted: EventFilter, size: int
) -> None:
    found: list[Event] = []
    page = selectors.find_page(wanted, size=size)
    while True:
        found += page.events
        if page.older is None:
            break
        page = selectors.find_page(wanted, size=size, turn=Turn("older", page.older))

    assert found == expected(wanted)


@pytest.mark.parametrize(
    "wanted", FILTERS, ids=lambda wanted: "+".join(wanted) or "all"
)
@pytest.mark.parametrize("size", [1, 2, 5])
def test_pages_back_are_the_list_too(
    log: list[Event], wanted: EventFilter, size: int
) -> None:
    everything = expected(wanted)
    last = everything[-1]
    found, key = [last], Key(last.occurred_at, last.event_id)
    while True:
        page = selectors.find_page(wanted, size=size, turn=Turn("newer", key))
        found = page.events + found
        if page.newer is None:
            break
        key = page.newer

    assert found == everything


def test_a_page_that_holds_the_rest_is_the_last(log: list[Event]) -> None:
    wanted: EventFilter = {"event_type": "chatbot_query"}

    page = selectors.find_page(wanted, size=len(log))

    assert page.events == expected(wanted)
    assert page.older is None
    oldest = page.events[-1]
    key = Key(oldest.occurred_at, oldest.event_id)
    back = selectors.find_page(wanted, size=len(log) - 1, turn=Turn("newer", key))
    assert back.events == page.events[:-1]
    assert back.newer is None


def test_an_empty_log_has_one_empty_page() -> None:
    page = selectors.find_page({"event_type": "error"}, size=5)

    assert page == selectors.Page([], None, None)


def test_what_a_wrong_clock_put_ahead_is_found_when_asked_for() -> None:
    ahead = make_event(at=timezone.now() + timedelta(days=20))

    assert selectors.find_page({}, size=5).events == []
    far = timezone.now() + timedelta(days=30)
    assert selectors.find_page({"until": far}, size=5).events == [ahead]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.datetimes(
        min_value=datetime(2000, 1, 1),  # noqa: DTZ001 - the strategy adds the zone
        max_value=datetime(2199, 1, 1),  # noqa: DTZ001
        timezones=st.just(UTC),
    ),
    st.uuids(),
    st.sampled_from(["older", "newer"]),
)
def test_a_cursor_is_read_as_it_was_written(at: Any, event_id: Any, way: Any) -> None:
    turn = Turn(way, Key(at, event_id))

    assert selectors.read_cursor(selectors.write_cursor(turn)) == turn


@given(st.text(max_size=60))
def test_any_other_word_is_no_cursor(word: str) -> None:
    turn = Turn("older")
    with suppress(Invalid):
        turn = selectors.read_cursor(word)

    assert selectors.read_cursor(selectors.write_cursor(turn)) == turn


def test_counts_fall_into_their_buckets_without_a_gap(log: list[Event]) -> None:
    wanted: EventFilter = {"event_type": "chatbot_query"}
    since = NOW - timedelta(minutes=45_000)

    counts = selectors.count_events({**wanted, "since": since}, now=NOW + timedelta(1))

    assert counts.total == len(log)
    assert len(counts.buckets) <= 62
    for before, after in zip(counts.buckets, counts.buckets[1:], strict=False):
        assert before.until == after.since
    for event in log:
        (bucket,) = [
            b for b in counts.buckets if b.since <= event.occurred_at < b.until
        ]
        assert bucket.outcomes[event.outcome] >= 1
    assert sum(b.outcomes["denied"] for b in counts.buckets) == 5


def test_counts_of_a_period_are_of_that_period(log: list[Event]) -> None:
    wanted: EventFilter = {
        "event_type": "chatbot_query",
        "since": NOW - timedelta(minutes=61),
        "until": NOW - timedelta(seconds=30),
    }

    assert selectors.count_events(wanted).total == 4


def test_a_wide_search_ends() -> None:
    with (
        pytest.raises(selectors.SearchTooWide),
        selectors.hurried(1),
        connection.cursor() as cursor,
    ):
        cursor.execute("SELECT pg_sleep(3)")

    assert selectors.find_page({}, size=1)  # the connection still works


def test_a_type_is_looked_for_in_its_own_partitions_only() -> None:
    make_event(events.ERROR)
    plan = selectors.list_events(event_type="error").explain()

    assert "event_error" in plan
    assert "event_access" not in plan
