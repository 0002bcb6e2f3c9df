"""Alerts, with the names behind their pseudonyms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from django.db.models import QuerySet

from auditlog.constants import AlertState
from auditlog.models import Alert
from auditlog.selectors.people import names_of
from chatsec.core.crypto import subject_keys


class ReadAlert(NamedTuple):
    """An alert with the name behind its pseudonym."""

    alert: Alert
    actor_name: str | None


def list_alerts(*, state: AlertState | None = None) -> QuerySet[Alert]:
    """Return the alerts, newest first."""
    rows = Alert.objects.order_by("-id")
    return rows if state is None else rows.filter(state=state)


def read_alerts(alerts: Sequence[Alert]) -> list[ReadAlert]:
    """Return the alerts with names, in a constant number of queries."""
    pseudonyms = {one.actor_pseudonym for one in alerts if one.actor_pseudonym}
    names = names_of(subject_keys().subjects_of(pseudonyms)) if pseudonyms else {}
    return [
        ReadAlert(one, names.get(one.actor_pseudonym) if one.actor_pseudonym else None)
        for one in alerts
    ]
