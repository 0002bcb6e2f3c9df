"""The demo's catalogue and articles, as they lie in `data/`."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from chatsec.core.errors import Json

DATA: Final = Path(__file__).parent / "data"
SLOTS: Final[dict[str, dict[str, Json]]] = {
    "quarter": {"type": "integer", "enum": [1, 2, 3, 4]},
    "year": {"type": "integer", "minimum": 2000, "maximum": 2100},
    "month": {"type": "integer", "minimum": 1, "maximum": 12},
    "region": {"type": "string", "enum": ["north", "south", "east", "west"]},
    "department": {
        "type": "string",
        "enum": [
            "Sales",
            "Engineering",
            "Finance",
            "Human Resources",
            "Marketing",
            "Operations",
            "Support",
            "Legal",
            "IT",
        ],
    },
    "product": {"type": "string", "maxLength": 80},
    "person": {"type": "string", "minLength": 1, "maxLength": 80},
    "date_from": {"type": "string", "format": "date"},
    "date_to": {"type": "string", "format": "date"},
    "amount": {"type": "number", "exclusiveMinimum": 0, "maximum": 1_000_000_000},
    "percent": {"type": "number", "exclusiveMinimum": 0, "maximum": 100},
    "sale_id": {"type": "integer", "minimum": 1, "maximum": 2_147_483_647},
    "note": {"type": "string", "minLength": 1, "maxLength": 1000},
}


@dataclass(frozen=True)
class DemoQuery:
    """One entry of the demo catalogue."""

    key: str
    title: str
    resource_type: str
    permission: str
    sql: str = ""
    slots: str = ""
    kind: str = "sql"
    aggregate_only: bool = False
    pii: bool = False
    requires_mfa: bool = False
    classification: str = "internal"
    audit_log: bool = False
    max_rows: int = 200

    def parameters(self) -> dict[str, Json]:
        """Return the JSON schema of the slots."""
        names = [name.removesuffix("!") for name in self.slots.split()]
        required: list[Json] = [
            name.removesuffix("!") for name in self.slots.split() if name.endswith("!")
        ]
        return {
            "type": "object",
            "properties": {name: dict(SLOTS[name]) for name in names},
            "required": required,
            "additionalProperties": False,
        }


@dataclass(frozen=True)
class DemoArticle:
    """One article that everybody may read."""

    slug: str
    title: str
    body: str


def demo_queries() -> list[DemoQuery]:
    """Return every entry of the demo catalogue."""
    return [DemoQuery(**entry) for entry in _read("queries.toml")["query"]]


def demo_articles() -> list[DemoArticle]:
    """Return every article of the demo knowledge base."""
    found = _read("articles.toml")["article"]
    return [
        DemoArticle(one["slug"], one["title"], " ".join(one["body"].split()))
        for one in found
    ]


def _read(name: str) -> dict[str, list[dict[str, Any]]]:
    return tomllib.loads((DATA / name).read_text())
