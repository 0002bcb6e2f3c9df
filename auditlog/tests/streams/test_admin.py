from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from auditlog.models import Event, EventStream
from auditlog.services import streaming
from auditlog.tests.streams.receiver import Receiver, receiving

pytestmark = pytest.mark.django_db
STREAMS = "/admin/auditlog/eventstream/"
Browser = Callable[..., Any]


@pytest.fixture
def receiver(settings: Any) -> Iterator[Receiver]:
    with receiving() as found:
        settings.CHATSEC_OUTBOUND_ALLOWED = frozenset({f"127.0.0.1:{found.port}"})
        yield found


@pytest.fixture
def stream(receiver: Receiver) -> EventStream:
    made = EventStream(name="SIEM")
    made.url = receiver.url
    streaming.save_stream(made)
    return made


def form_of(receiver: Receiver, **more: str) -> dict[str, str]:
    settings = {"name": "SIEM", "url": receiver.url, "format": "ocsf"}
    return {**settings, "contents": "clear", "is_enabled": "on", **more}


@pytest.mark.parametrize("code", ["", "manage_incidents", "view_audit"])
def test_only_who_manages_incidents_and_sees_the_log_sets_it_up(
    browser: Browser, allow: Browser, carol: Any, stream: EventStream, code: str
) -> None:
    if code:
        allow(carol, code)
    carol.is_staff = True
    carol.save()
    client = browser(carol)

    for path in ("", "add/", f"{stream.pk}/change/", f"{stream.pk}/delete/"):
        assert client.get(STREAMS + path).status_code == 403


def test_the_secret_is_shown_once(
    browser: Browser, admin: Any, receiver: Receiver
) -> None:
    client = browser(admin)

    made = client.post(f"{STREAMS}add/", form_of(receiver))

    (stream,) = EventStream.objects.all()
    assert stream.secret in made.content.decode()
    again = client.get(f"{STREAMS}{stream.pk}/change/").content.decode()
    assert stream.secret not in again
    assert receiver.url in again
    assert Event.objects.filter(event_type="auditlog.stream_changed").count() == 1


@pytest.mark.parametrize(
    "url", ["ftp://example.org/", "not an address", "https://a:b@example.org/"]
)
def test_an_address_that_is_none_is_an_error_of_the_form(
    browser: Browser, admin: Any, receiver: Receiver, url: str
) -> None:
    page = browser(admin).post(f"{STREAMS}add/", form_of(receiver, url=url))

    assert "url" in page.context["adminform"].form.errors
    assert not EventStream.objects.exists()


def test_a_change_keeps_secret_and_place(
    browser: Browser, admin: Any, receiver: Receiver, stream: EventStream
) -> None:
    browser(admin).post(
        f"{STREAMS}{stream.pk}/change/", form_of(receiver, contents="opened")
    )

    changed = EventStream.objects.get(pk=stream.pk)
    assert changed.contents == "opened"
    assert changed.secret == stream.secret
    assert changed.seal_number == stream.seal_number


def test_a_test_says_what_came_of_it(
    browser: Browser, admin: Any, receiver: Receiver, stream: EventStream
) -> None:
    client = browser(admin)
    form = form_of(receiver, _test="yes")

    taken = client.post(f"{STREAMS}{stream.pk}/change/", form, follow=True)
    receiver.fault = lambda: "status"
    refused = client.post(f"{STREAMS}{stream.pk}/change/", form, follow=True)

    assert "The test was taken." in taken.content.decode()
    assert "The test was not taken: status 500." in refused.content.decode()
    assert len(receiver.taken) == 1


def test_the_list_shows_state_and_lag(
    browser: Browser, admin: Any, stream: EventStream
) -> None:
    EventStream.objects.update(tries=3, last_error="status 503")

    page = browser(admin).get(STREAMS).content.decode()

    assert ">failing<" in page
    assert "status 503" in page
    assert "nothing" in page


def test_deleting_it_is_on_record(
    browser: Browser, admin: Any, stream: EventStream
) -> None:
    browser(admin).post(f"{STREAMS}{stream.pk}/delete/", {"post": "yes"})

    assert not EventStream.objects.exists()
    assert Event.objects.filter(event_type="auditlog.stream_changed").count() == 2
