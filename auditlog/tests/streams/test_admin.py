from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from auditlog.addresses import shown_url
from auditlog.models import Event, EventStream
from auditlog.services import streaming
from auditlog.tests.streams.receiver import Receiver

pytestmark = pytest.mark.django_db
STREAMS = "/admin/auditlog/eventstream/"
Browser = Callable[..., Any]


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
    assert receiver.url not in again
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


SECRET = "/services/collector/Splunk-7f3a9c1e?token=b81c86c4"


@pytest.fixture
def sealed(receiver: Receiver, stream: EventStream) -> str:
    """Return the address of the stream, which now carries secrets."""
    stream.url = f"http://127.0.0.1:{receiver.port}{SECRET}"
    stream.save()
    return stream.url


def test_the_address_is_shown_by_its_host_and_last_characters(
    browser: Browser, admin: Any, stream: EventStream, sealed: str
) -> None:
    client = browser(admin)

    pages = [
        client.get(f"{STREAMS}{stream.pk}/{end}").content.decode()
        for end in ("change/", "delete/", "history/")
    ]
    pages.append(client.get(STREAMS).content.decode())

    assert "http://127.0.0.1:" in pages[0]
    assert "…86c4" in pages[0]
    for page in pages:
        assert "Splunk" not in page
        assert "token=" not in page
        assert "b81c" not in page


def test_an_address_that_is_not_entered_again_stays(
    browser: Browser, admin: Any, receiver: Receiver, stream: EventStream, sealed: str
) -> None:
    form = form_of(receiver, contents="opened", url="")

    saved = browser(admin).post(f"{STREAMS}{stream.pk}/change/", form)

    assert saved.status_code == 302
    changed = EventStream.objects.get(pk=stream.pk)
    assert (changed.url, changed.contents) == (sealed, "opened")


def test_an_address_that_is_entered_again_is_another(
    browser: Browser, admin: Any, receiver: Receiver, stream: EventStream, sealed: str
) -> None:
    client, path = browser(admin), f"{STREAMS}{stream.pk}/change/"

    refused = client.post(path, form_of(receiver, url="https://a:b@example.org/"))
    assert EventStream.objects.get(pk=stream.pk).url == sealed
    client.post(path, form_of(receiver))

    assert "url" in refused.context["adminform"].form.errors
    assert "Splunk" not in refused.content.decode()
    assert EventStream.objects.get(pk=stream.pk).url == receiver.url


def test_a_new_stream_needs_an_address(
    browser: Browser, admin: Any, receiver: Receiver
) -> None:
    page = browser(admin).post(f"{STREAMS}add/", form_of(receiver, url=""))

    assert "url" in page.context["adminform"].form.errors


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://siem.example.org/", "https://siem.example.org/…"),
        ("https://siem.example.org/in?key=abc", "https://siem.example.org/…"),
        (
            "https://siem.example.org:8443/a/b/c/d/e/f/1234",
            "https://siem.example.org:8443/…1234",
        ),
        ("https://[2001:db8::1]/0123456789abcdef", "https://[2001:db8::1]/…cdef"),
        (
            "https://siem.example.org?token=0123456789abcdef",
            "https://siem.example.org/…cdef",
        ),
    ],
)
def test_of_a_short_path_nothing_is_shown(url: str, shown: str) -> None:
    assert shown_url(url) == shown


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
