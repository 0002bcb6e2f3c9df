"""Liveness, readiness and metrics, with real engines that really fail."""

import json

import psycopg2
import pytest
import redis
from django.conf import settings
from django.db import connection, connections
from django.test import Client

from chatsec.core import health, metrics
from chatsec.core.errors import Unavailable
from chatsec.embedded.outage import outage

pytestmark = pytest.mark.django_db


def failing(response):
    body = json.loads(response.content)
    assert response.status_code == 503
    assert response["Content-Type"] == "application/problem+json"
    assert body["code"] == "not_ready"
    assert body["request_id"]
    assert body["detail"] == f"Not ready: {', '.join(body['failing'])}."
    return body["failing"]


def broken():
    raise Unavailable("Behind.")


def test_it_is_alive_and_ready(client):
    assert client.get("/healthz").json() == {"status": "ok"}
    assert client.get("/readyz").json() == {"status": "ready"}


def test_a_probe_costs_the_request_no_query_of_its_own(
    client, django_assert_num_queries
):
    with django_assert_num_queries(0):
        client.get("/healthz")


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
def test_only_reading_is_allowed(client, path):
    assert client.post(path).status_code == 405
    assert client.head(path).status_code == 200


def test_a_dead_valkey_is_named(client):
    with outage(settings.CHATSEC_DATA_DIR, "valkey", durable=False):
        assert failing(client.get("/readyz")) == ["valkey"]
        assert client.get("/healthz").status_code == 200

    assert client.get("/readyz").status_code == 200


def test_a_full_valkey_is_named(client):
    with redis.Redis.from_url(settings.REDIS_URL) as store:
        before = store.config_get("maxmemory")["maxmemory"]
        store.config_set("maxmemory", "1")
        try:
            assert failing(client.get("/readyz")) == ["valkey"]
        finally:
            store.config_set("maxmemory", before)


def test_a_database_that_refuses_is_named_without_a_secret(client, settings):
    known = connections["default"].settings_dict
    before = known["PASSWORD"]
    known["PASSWORD"] = "not-the-password"
    try:
        response = client.get("/readyz")
    finally:
        known["PASSWORD"] = before

    assert failing(response) == ["database", "migrations"]
    text = response.content.decode()
    assert not any(word in text for word in (before, known["USER"], known["HOST"]))


def test_an_unapplied_migration_is_named(client, monkeypatch):
    newest = health._newest_migrations() | {("chat", "9999_not_yet")}
    monkeypatch.setattr(health, "_newest_migrations", lambda: newest)

    assert failing(client.get("/readyz")) == ["migrations"]


def test_every_app_is_looked_at():
    apps = {app for app, _ in health._newest_migrations()}

    assert {"accounts", "auditlog", "chat", "privacy", "rbac"} <= apps


def test_higher_layers_add_their_own_checks(client, settings):
    settings.CHATSEC_READINESS_CHECKS = {"sealer": f"{__name__}.broken"}

    assert failing(client.get("/readyz")) == ["sealer"]


def test_a_probe_does_not_wait_for_a_slow_database():
    with pytest.raises(psycopg2.errors.QueryCanceled):
        health._ask("SELECT pg_sleep(30)")


def test_metrics_count_by_route_and_status(client):
    def count(text):
        name = 'chatsec_http_requests_total{method="GET",route="healthz",status="200"}'
        found = [line for line in text.splitlines() if line.startswith(name)]
        return float(found[0].rsplit(" ", 1)[1]) if found else 0.0

    before = count(client.get("/metrics").content.decode())
    client.get("/healthz")
    client.get("/nothing/here/alice@example.com")

    text = client.get("/metrics").content.decode()

    assert count(text) == before + 1
    assert 'route="unnamed",status="404"' in text
    assert "alice" not in text
    assert "chatsec_http_request_seconds_bucket" in text
    assert "process_resident_memory_bytes" in text


def test_an_odd_method_makes_no_new_series(client):
    client.generic("BREW", "/healthz")

    assert 'method="BREW"' not in metrics.exposition().decode()
    assert 'method="other"' in metrics.exposition().decode()


@pytest.mark.parametrize(
    ("address", "forwarded", "proxies", "allowed"),
    [
        ("127.0.0.1", None, 0, True),
        ("::1", None, 0, True),
        ("::ffff:127.0.0.1", None, 0, True),
        ("192.0.2.7", None, 0, False),
        ("", None, 0, False),
        # Forwarded by a proxy that settings do not know: the address is the proxy's.
        ("127.0.0.1", "192.0.2.7", 0, False),
        ("127.0.0.1", "127.0.0.1", 0, False),
        ("127.0.0.1", "192.0.2.7", 1, False),
        ("127.0.0.1", "127.0.0.1", 1, True),
        ("127.0.0.1", "127.0.0.1, 192.0.2.7", 1, False),
    ],
)
def test_only_named_networks_read_metrics(
    settings, address, forwarded, proxies, allowed
):
    settings.CHATSEC_TRUSTED_PROXIES = proxies
    headers = {"X-Forwarded-For": forwarded} if forwarded else {}

    response = Client(REMOTE_ADDR=address).get("/metrics", headers=headers)

    assert response.status_code == (200 if allowed else 404)


def test_settings_open_metrics_to_a_monitoring_host(settings):
    settings.CHATSEC_METRICS_NETWORKS = ["192.0.2.0/24"]

    assert Client(REMOTE_ADDR="192.0.2.7").get("/metrics").status_code == 200
    assert Client(REMOTE_ADDR="127.0.0.1").get("/metrics").status_code == 404


def test_the_application_role_may_ask():
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        assert cursor.fetchone() == ("chatsec_app",)
    assert health.is_migrated()
