from __future__ import annotations

import pytest

from auditlog import events
from auditlog.registry import EventType, event_types, is_registered, register


def test_it_refuses_a_second_registration() -> None:
    with pytest.raises(ValueError, match="registered already"):
        register("chatbot_query", category="access")


@pytest.mark.parametrize("name", ["", "Rbac.assigned", "a.b.c", "a b", "a.", "1a"])
def test_it_refuses_names_that_are_no_codes(name: str) -> None:
    with pytest.raises(ValueError, match=r"app\.object_past"):
        register(name, category="access")


def test_it_refuses_an_unknown_category() -> None:
    with pytest.raises(ValueError, match="category"):
        register("auditlog.test_made", category="gossip")  # type: ignore[arg-type]

    assert "auditlog.test_made" not in event_types()


def test_it_knows_only_the_objects_that_it_made() -> None:
    assert is_registered(events.DATA_ACCESS)
    assert not is_registered(EventType("data_access", "data_access"))


@pytest.mark.parametrize(
    ("name", "category"),
    [
        ("chatbot_query", "access"),
        ("authorization_check", "authorization"),
        ("authorization_denied", "authorization"),
        ("data_access", "data_access"),
        ("error", "error"),
        ("security_alert", "security"),
    ],
)
def test_it_has_the_types_of_the_chapter(name: str, category: str) -> None:
    assert event_types()[name].category == category
