"""Answers as streams of events: the same as the body, and refused with its status."""

import json

import pytest

from chat.tests.api.talking import QUESTION, messages, start

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("catalogue")]


def parsed(response):
    """Return the events of a stream."""
    text = b"".join(response.streaming_content).decode()
    blocks = [block.split("\n") for block in text.strip().split("\n\n")]
    return [
        (name.removeprefix("event: "), json.loads(data.removeprefix("data: ")))
        for name, data in blocks
    ]


def test_a_stream_tells_the_same_as_the_body(api, alice):
    client = api(alice)

    response = client.post(
        messages(start(client)), QUESTION, headers={"Accept": "text/event-stream"}
    )
    found = parsed(response)

    names = [name for name, _ in found]
    completed = found[-1][1]
    assert response["Content-Type"] == "text/event-stream"
    assert names[0] == "message.started"
    assert names[1] == "status"
    assert names[-2:] == ["table", "message.completed"]
    deltas = "".join(data["text"] for name, data in found if name == "delta")
    assert deltas == completed["message"]
    assert found[-2][1]["rows"] == completed["rows"]
    assert completed["status"] == "answered"


def test_a_stream_asks_for_the_code(api, carol):
    client = api(carol)

    response = client.post(
        messages(start(client)),
        {"text": "Show me all employee records"},
        headers={"Accept": "text/event-stream"},
    )

    found = dict(parsed(response))
    assert "mfa_session_id" in found["mfa_required"]
    assert found["message.completed"]["rows"] == []


def test_a_refused_stream_keeps_its_status(api, alice):
    client = api(alice)

    refused = client.post(
        messages(start(client)), {"text": ""}, headers={"Accept": "text/event-stream"}
    )

    assert refused.status_code == 400
    assert refused["Content-Type"] == "application/problem+json"
    assert refused.json()["code"] == "message_invalid"


def test_a_wrong_code_is_one_event_of_a_stream(api, carol):
    client = api(carol)
    conversation = start(client)
    asked = client.post(
        messages(conversation), {"text": "Show me all employee records"}
    ).json()

    refused = client.post(
        f"/api/v1/conversations/{conversation}/mfa",
        {"mfa_session_id": asked["mfa_session_id"], "code": "abcdef"},
        headers={"Accept": "text/event-stream"},
    )

    assert refused["Content-Type"].startswith("text/event-stream")
    assert refused.content.startswith(b"event: error\ndata: ")
