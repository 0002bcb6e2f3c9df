"""The proof over the API: for auditors, and only of what exists."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from auditlog import check_proof
from auditlog.models import Seal
from auditlog.services import sealer
from auditlog.services.proving import find_seal_number
from auditlog.tests.factories import make_event

pytestmark = pytest.mark.django_db(
    transaction=True, databases=["default", "owner", "retention"]
)


def test_an_auditor_gets_a_proof_that_holds(
    api: Callable[..., Any], admin: Any
) -> None:
    event = make_event()
    client = api(admin)
    early = client.get(f"/api/v1/audit/events/{event.event_id}/proof")
    sealer.seal_pending()

    answer = client.get(f"/api/v1/audit/events/{event.event_id}/proof")

    assert (early.status_code, early.json()["code"]) == (409, "not_sealed")
    assert answer.status_code == 200
    assert check_proof.check(answer.json())


def test_others_get_none(api: Callable[..., Any], admin: Any, charlie: Any) -> None:
    event = make_event()

    path = f"/api/v1/audit/events/{event.event_id}/proof"
    assert api(charlie).get(path).status_code == 403
    assert api().get(path).status_code == 401
    assert api(admin).get(f"/api/v1/audit/events/{uuid4()}/proof").status_code == 404


def test_the_seal_of_an_event_is_found_by_an_index() -> None:
    """However many seals there were since: the page of every event asks for it."""
    event = make_event()
    sealer.seal_pending()

    with CaptureQueriesContext(connection) as captured:
        assert find_seal_number(event) == Seal.objects.get(kind="events").number

    asked = captured[0]["sql"]
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off")
        cursor.execute(f"EXPLAIN {asked}")
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "seal_one_per_window" in plan
