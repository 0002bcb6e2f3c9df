"""The data map's door: every app declares what it holds on a person.

`<app>/personal_data.py` is discovered like `admin.py`. A model that is neither declared
nor exempted with a reason fails `manage.py check` (privacy.E001).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from django.utils.module_loading import autodiscover_modules

from chatsec.core.errors import Json

Part = Literal[
    "personal_info",
    "conversation_history",
    "query_analytics",
    "consents",
    "data_processing_log",
]


@dataclass(frozen=True, slots=True)
class Declaration:
    """What one model holds on a person, why, for how long, and how it leaves."""

    model: str  # "chat.Message"
    holds: str  # for people: "What was asked and answered"
    part: Part  # where it goes in an export
    purposes: tuple[str, ...]
    export: Callable[[UUID], Iterator[Mapping[str, Json]]]
    # Deletes or anonymises what is held on the subject; returns how many rows.
    erase: Callable[[UUID], int] | None
    keep_reason: str = ""  # required when erase is None: the legal ground to keep
    retention: str = ""  # key of the retention policy, "" = as long as the account
    # expire(before, held): deletes what is older than `before`, in batches, but nothing
    # of the `held` subjects (legal hold); returns how many rows.
    expire: Callable[[datetime, frozenset[UUID]], int] | None = None
    # What expire would delete, for the preview; same arguments.
    count_expired: Callable[[datetime, frozenset[UUID]], int] | None = None


_declared: dict[str, Declaration] = {}
_exempt: dict[str, str] = {}


def declare(declaration: Declaration) -> None:
    """Put a model on the data map."""
    if declaration.erase is None and not declaration.keep_reason:
        raise ValueError(f"{declaration.model}: no erasure and no reason to keep")
    _declared[declaration.model] = declaration


def not_personal(*models: str, reason: str) -> None:
    """Exempt models that hold nothing on a person, saying why."""
    _exempt.update(dict.fromkeys(models, reason))


def declarations() -> tuple[Declaration, ...]:
    """Return the data map, in the order of declaration."""
    return tuple(_declared.values())


def exemptions() -> Mapping[str, str]:
    """Return exempted model labels with their reasons."""
    return dict(_exempt)


def autodiscover() -> None:
    """Import every app's `personal_data` module."""
    autodiscover_modules("personal_data")
