"""An answer as server-sent events, for `Accept: text/event-stream`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any, Final

from django.http import StreamingHttpResponse
from rest_framework.renderers import BaseRenderer, JSONRenderer

from chat.stages.types import Answer
from chatsec.core.errors import Json

EVENT_STREAM: Final = "text/event-stream"
DELTA_LENGTH: Final = 48


class EventStreamRenderer(BaseRenderer):
    """Lets a client ask for events; refusals before the stream stay documents."""

    media_type = EVENT_STREAM
    format = "events"
    charset = "utf-8"

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> str | bytes:
        """Return a problem document (its content type says so), or one event."""
        response = (renderer_context or {}).get("response")
        if response is not None and response.status_code >= HTTPStatus.BAD_REQUEST:
            return bytes(JSONRenderer().render(data))
        return event("error", data)


def stream(answer: Answer) -> StreamingHttpResponse:
    """Return the answer as a stream that no proxy may hold back."""
    response = StreamingHttpResponse(events(answer), content_type=EVENT_STREAM)
    response["Cache-Control"] = "no-store"
    response["X-Accel-Buffering"] = "no"
    return response


def events(answer: Answer) -> Iterator[str]:
    """Yield the events of an answer; the deltas joined are its message."""
    yield event("message.started", {"id": str(answer.id)})
    yield event("status", {"status": answer.status, "query": answer.query or None})
    for start in range(0, len(answer.message), DELTA_LENGTH):
        yield event("delta", {"text": answer.message[start : start + DELTA_LENGTH]})
    if answer.columns:
        rows: list[Json] = [list(row) for row in answer.rows]
        yield event("table", {"columns": list(answer.columns), "rows": rows})
    body = answer.body()
    if "mfa_session_id" in body:
        yield event("mfa_required", {"mfa_session_id": body["mfa_session_id"]})
    yield event("message.completed", body)


def event(name: str, data: Json) -> str:
    """Return one event; JSON has no line breaks, so one data line is enough."""
    return f"event: {name}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n"
