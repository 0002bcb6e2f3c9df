"""Watching the log: what is sealed arrives, to who may see it, while he may."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from importlib import import_module
from itertools import islice
from threading import Thread
from typing import Any

import pytest
from django.db import connection, connections
from uuid_utils.compat import uuid7

from auditlog import bell, events
from auditlog.models import Event
from auditlog.services import sealer, tailing
from auditlog.tests.factories import make_actor, make_event
from chatsec.core.errors import Denied, TooMany

DATABASES = ["default", "owner", "retention"]
pytestmark = pytest.mark.django_db(transaction=True, databases=DATABASES)
TAIL = "/api/v1/audit/tail"
# Of a stream that does not end when it should, so much is read.
MOST_PARTS = 200
Api = Callable[..., Any]


@pytest.fixture(autouse=True)
def _hasty(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Look at everything at once: no test waits for a clock."""
    monkeypatch.setattr(tailing, "CHECK_SECONDS", 0.05)
    monkeypatch.setattr(tailing, "KEEP_ALIVE_SECONDS", 0.0)
    yield
    assert not tailing._places._taken


def watch(client: Any, last_id: str = "", **words: str) -> Any:
    headers = {"Accept": "text/event-stream"}
    if last_id:
        headers["Last-Event-ID"] = last_id
    response = client.get(TAIL, words, headers=headers)
    assert response.status_code == 200, response.content
    return response


def until(response: Any, wanted: str) -> tuple[str, Any]:
    """Return id and data of the next message of that kind."""
    for part in islice(response.streaming_content, MOST_PARTS):
        for message in part.decode().split("\n\n"):
            fields = dict(
                line.split(": ", 1) for line in message.splitlines() if ": " in line
            )
            if fields.get("event") == wanted:
                return fields["id"], json.loads(fields["data"])
    pytest.fail(f"the stream ended without {wanted}")


def parts_until(response: Any, wanted: bytes) -> None:
    for part in islice(response.streaming_content, MOST_PARTS):
        if part.startswith(wanted):
            return
    pytest.fail("the stream ended")


def test_only_auditors_watch(api: Api, charlie: Any) -> None:
    ask = {"headers": {"Accept": "text/event-stream"}}

    assert api().get(TAIL, **ask).status_code == 401
    assert api(charlie).get(TAIL, **ask).status_code == 403


def test_who_does_not_ask_for_a_stream_gets_none(api: Api, admin: Any) -> None:
    assert api(admin).get(TAIL).status_code == 406


def test_what_is_sealed_arrives_and_what_is_not_wanted_does_not(
    api: Api, admin: Any, alice: Any
) -> None:
    with closing(watch(api(admin), type="data_access")) as stream:
        parts_until(stream, b"retry")
        make_event(events.CHATBOT_QUERY, actor=make_actor(alice))
        wanted = make_event(events.DATA_ACCESS, actor=make_actor(alice))
        sealer.seal_pending()

        _, row = until(stream, "audit")

    assert row["id"] == str(wanted.event_id)
    assert row["actor_name"] == "alice"


def test_it_goes_on_where_the_client_was(api: Api, admin: Any) -> None:
    client = api(admin)
    with closing(watch(client, type="data_access")) as stream:
        make_event(events.DATA_ACCESS)
        sealer.seal_pending()
        seen, _ = until(stream, "audit")
    second = make_event(events.DATA_ACCESS)
    sealer.seal_pending()

    with closing(watch(client, last_id=seen, type="data_access")) as stream:
        _, row = until(stream, "audit")

    assert row["id"] == str(second.event_id)


def test_it_goes_on_in_the_middle_of_a_seal(api: Api, admin: Any) -> None:
    client = api(admin)
    with closing(watch(client, type="data_access")) as stream:
        parts_until(stream, b"retry")
        made = [str(make_event(events.DATA_ACCESS).event_id) for _ in range(3)]
        sealer.seal_pending()
        seen, first = until(stream, "audit")

    with closing(watch(client, last_id=seen, type="data_access")) as stream:
        _, second = until(stream, "audit")

    assert [first["id"], second["id"]] == made[:2]


def test_who_was_away_too_long_is_told_so(
    api: Api, admin: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tailing, "MOST_MISSED", 0)
    make_event()
    sealer.seal_pending()

    with closing(watch(api(admin), last_id="1.0")) as stream:
        _, gap = until(stream, "gap")

    assert gap["missed"] >= 1


@pytest.mark.parametrize("last_id", ["x", "1", "-1.0", "1.1.1", "9" * 30 + ".0"])
def test_an_id_that_is_none_is_refused(api: Api, admin: Any, last_id: str) -> None:
    answer = api(admin).get(
        TAIL, headers={"Accept": "text/event-stream", "Last-Event-ID": last_id}
    )

    assert answer.status_code == 400
    assert "last_event_id" in answer.json()["errors"]


def test_it_ends_with_the_session(api: Api, admin: Any) -> None:
    with closing(watch(api(admin))) as stream:
        parts_until(stream, b": keep-alive")
        assert api(admin).delete("/api/v1/auth/sessions").status_code in (200, 204)

        _, said = until(stream, "end")

        assert said == {"reason": "not_allowed"}
        assert list(stream.streaming_content) == []


def test_nothing_is_shown_once_the_session_is_gone(
    api: Api, admin: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(watch(api(admin))) as stream:
        parts_until(stream, b": keep-alive")
        monkeypatch.setattr(tailing, "CHECK_SECONDS", 3600)
        monkeypatch.setattr(tailing, "RIGHT_SECONDS", 0)
        assert api(admin).delete("/api/v1/auth/sessions").status_code in (200, 204)
        make_event()
        sealer.seal_pending()

        rest = b"".join(stream.streaming_content)

    assert b"event: end" in rest
    assert b"event: audit" not in rest


def test_it_ends_with_the_role(api: Api, admin: Any) -> None:
    with closing(watch(api(admin))) as stream:
        parts_until(stream, b": keep-alive")
        import_module("rbac.models").Assignment.objects.filter(user=admin).delete()

        _, said = until(stream, "end")

    assert said == {"reason": "not_allowed"}


def test_opening_and_reading_are_on_record(api: Api, admin: Any) -> None:
    with closing(watch(api(admin), type="data_access")) as stream:
        opened = Event.objects.filter(event_type="auditlog.tail_opened")
        assert opened.count() == 1
        for _ in range(3):
            make_event(events.DATA_ACCESS)
        sealer.seal_pending()
        until(stream, "audit")

    (read,) = Event.objects.filter(event_type="auditlog.tail_read")
    assert read.result_count == 3
    assert read.actor_pseudonym == opened.get().actor_pseudonym


def test_each_minute_is_noted(
    api: Api, admin: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tailing, "NOTE_SECONDS", 0.0)
    with closing(watch(api(admin), type="data_access")) as stream:
        for number in range(2):
            make_event(events.DATA_ACCESS)
            sealer.seal_pending()
            until(stream, "audit")
            notes = Event.objects.filter(event_type="auditlog.tail_read")
            assert notes.count() == number + 1


def test_there_are_so_many_places(api: Api, admin: Any) -> None:
    client = api(admin)
    first, second = watch(client), watch(client)

    answer = client.get(TAIL, headers={"Accept": "text/event-stream"})

    assert answer.status_code == 429
    assert answer["Retry-After"]
    first.close()
    watch(client).close()
    second.close()


def test_places_of_all_together_are_bounded() -> None:
    people = [uuid7() for _ in range(tailing.AT_ONCE)]
    for who in people:
        tailing._places.take(who)

    with pytest.raises(TooMany):
        tailing._places.take(uuid7())

    for who in people:
        tailing._places.leave(who)


def test_nobody_watches_without_a_session() -> None:
    from dataclasses import replace

    with pytest.raises(Denied):
        tailing.open_tail(replace(make_actor(), session_id=None), {})


def listeners() -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'"
            " AND datname = current_database()"
        )
        return int(cursor.fetchone()[0])


def test_one_connection_listens_for_all(
    api: Api, admin: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the clock out of the way, only the bell can wake the two who wait."""
    monkeypatch.setattr(tailing, "CHECK_SECONDS", 600.0)
    found: list[str] = []

    def follow(stream: Any) -> None:
        try:
            found.append(until(stream, "audit")[1]["id"])
        finally:
            stream.close()
            connections.close_all()

    client = api(admin)
    threads = [
        Thread(target=follow, args=(watch(client, type="data_access"),), daemon=True)
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    rung = 0
    while listeners() == 0:
        rung = bell.BELL.wait(rung, seconds=0.1)
    assert listeners() == 1
    event = make_event(events.DATA_ACCESS)
    sealer.seal_pending()
    for thread in threads:
        thread.join(timeout=15)

    assert found == [str(event.event_id)] * 2
