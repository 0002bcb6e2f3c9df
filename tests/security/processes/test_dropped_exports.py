"""An export that nobody reads to its end keeps no place from others for ever.

Over real servers: the client goes away, says nothing any more, or the process that
writes is killed.
"""

from __future__ import annotations

import os
import signal
import socket
import struct
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from auditlog.models import Event, ExportPlace
from auditlog.services.export_places import AT_ONCE, LEASE, RETRY_SECONDS
from rbac.tests.factories import give_role
from rbac.tests.governing import make_role
from tests.security.processes.people import signed_in
from tests.security.processes.servers import HOST, wait_for

EXPORT = "/api/v1/audit/events/export"
# Far more than the buffers of two sockets hold, so that the server has to wait.
ROWS, ROW_BYTES = 16_000, 1_000
_FILL = """
    INSERT INTO auditlog_event (event_id, category, occurred_at, event_type, severity,
        outcome, actor_kind, channel, request_id, resource_type, resource_id,
        classification, expires_at, schema_version)
    SELECT gen_random_uuid(), 'access', now(), 'chatbot_query', 'info', 'success',
        'system', '', 'dropped-exports', '', repeat('x', %s), '',
        now() + interval '90 days', 1
    FROM generate_series(1, %s)
"""


@pytest.fixture(scope="module")
def auditor(people, servers):
    """Return the token of somebody who may take a long export."""
    make_role("dropping_auditor", "view_audit")
    user = people.make()
    give_role(user, "dropping_auditor")
    with connection.cursor() as cursor:
        cursor.execute(_FILL, [ROW_BYTES, ROWS])
    return signed_in(user).access


@pytest.fixture(autouse=True)
def _nobody_exports(servers):
    ExportPlace.objects.all().delete()


@contextmanager
def begun(wire, token):
    """Read the beginning of an export and leave the rest in the line."""
    with socket.socket() as line:
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        line.settimeout(60)
        line.connect(("127.0.0.1", wire.port))
        asked = (
            f"GET {EXPORT}?request_id=dropped-exports HTTP/1.1",
            f"Host: {HOST}",
            "X-Forwarded-For: 192.0.2.9",
            "X-Forwarded-Proto: https",
            f"Authorization: Bearer {token}",
        )
        line.sendall("\r\n".join([*asked, "", ""]).encode())
        assert line.recv(1024).startswith(b"HTTP/1.1 200")
        yield line


def short_export(wire, token):
    return wire.get(f"{EXPORT}?type=auditlog.stream_failing", token=token)


def held():
    return ExportPlace.objects.count()


def broken_off():
    """Return how many exports are on record as not read to their end."""
    rows = Event.objects.filter(event_type="auditlog.export_ended")
    return rows.filter(outcome="failure").count()


@pytest.mark.parametrize("farewell", ["closed", "reset"])
def test_a_client_that_goes_away_gives_its_place_back(servers, auditor, farewell):
    before = broken_off()
    for wire in servers.wires:
        with begun(wire, auditor) as line:
            if farewell == "reset":
                at_once = struct.pack("ii", 1, 0)
                line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, at_once)

    wait_for(lambda: not held(), patience=())
    wait_for(lambda: broken_off() == before + AT_ONCE, patience=())
    assert short_export(servers.wires[0], auditor).status == 200


def test_a_reader_that_stalls_loses_its_place_to_others(servers, auditor):
    first, *others = servers.wires
    with (
        begun(first, auditor),
        begun(others[0], auditor),
        begun(others[1], auditor),
    ):
        refused = short_export(first, auditor)
        assert refused.status == 429
        assert refused.headers["retry-after"] == str(RETRY_SECONDS)

        def gets_in():
            # As when nothing was written for the length of a lease. A server that has
            # not filled its line yet may renew once more.
            over = timezone.now() - timedelta(seconds=1)
            ExportPlace.objects.update(leased_until=over)
            return short_export(first, auditor).status == 200

        wait_for(gets_in, patience=())


def test_a_process_that_is_killed_gives_its_place_back(servers, auditor):
    first, second, _ = servers.wires
    (victim, *_) = servers.worker_pids()
    with begun(first, auditor):
        os.kill(victim, signal.SIGKILL)
        wait_for(lambda: victim not in servers.worker_pids(), patience=())
        assert held() == 1

        # Nobody renews it, so its lease ends when it says.
        place = ExportPlace.objects.get()
        assert place.leased_until <= timezone.now() + LEASE
        for _ in range(AT_ONCE - 1):
            ExportPlace.objects.create(leased_until=timezone.now() + LEASE)
        assert short_export(second, auditor).status == 429
        ExportPlace.objects.filter(pk=place.pk).update(leased_until=timezone.now())
        assert short_export(second, auditor).status == 200
    wait_for(lambda: first.get("/healthz").status == 200, patience=(OSError,))
