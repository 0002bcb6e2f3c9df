"""What the OpenAPI document says of every route besides its own answers."""

from __future__ import annotations

from typing import Any, Final

API: Final = "/api/v1/"
STRING: Final = {"type": "string"}
# What problem_handler makes of an error (RFC 9457); some problems say more.
PROBLEM: Final[dict[str, Any]] = {
    "type": "object",
    "description": "A problem (RFC 9457). `code` names it; some tell more.",
    "required": ["type", "title", "status", "detail", "code", "request_id"],
    "properties": {
        "type": {**STRING, "format": "uri"},
        "title": STRING,
        "status": {"type": "integer"},
        "detail": STRING,
        "code": STRING,
        "request_id": STRING,
        "errors": {
            "type": "object",
            "description": "What is wrong, by the name of the field.",
            "additionalProperties": {"type": "array", "items": STRING},
        },
    },
}
ANSWER: Final[dict[str, Any]] = {
    "description": "Not answered: why",
    "content": {
        "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
    },
}


def add_problems(result: dict[str, Any], **_told: object) -> dict[str, Any]:
    """Return the document with the problem that any operation may answer."""
    result["components"]["schemas"]["Problem"] = PROBLEM
    for path, methods in result["paths"].items():
        if path.startswith(API):
            for operation in methods.values():
                operation["responses"].setdefault("default", ANSWER)
    return result
