import json
import logging

import pytest

from chatsec.core import csp_reports, metrics

OLD, NEW = "application/csp-report", "application/reports+json"
BODY = {
    "document-uri": "http://localhost/account?token=secret-of-alice",
    "effective-directive": "script-src-elem",
    "blocked-uri": "https://evil.example/steal.js?cookie=abc",
    "script-sample": "alert(1)",
}
NEW_BODY = {
    "documentURL": "http://localhost/account",
    "effectiveDirective": "img-src",
    "blockedURL": "inline",
}


@pytest.fixture(autouse=True)
def _fresh_budget(monkeypatch):
    monkeypatch.setattr(csp_reports, "_budget", csp_reports._Budget())


def report(client, value, content_type=OLD):
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return client.post("/csp-reports", raw, content_type=content_type)


def counted(directive):
    line = f'chatsec_csp_reports_total{{directive="{directive}"}}'
    for text in metrics.exposition().decode().splitlines():
        if text.startswith(line):
            return float(text.split()[-1])
    return 0.0


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("value", "content_type", "directive"),
    [
        ({"csp-report": BODY}, OLD, "script-src"),
        ([{"type": "csp-violation", "body": NEW_BODY}], NEW, "img-src"),
        ({"csp-report": {**BODY, "effective-directive": "x" * 500}}, OLD, "other"),
        ({"csp-report": {**BODY, "effective-directive": ["a"]}}, OLD, "other"),
        ({"csp-report": {**BODY, "effective-directive": "made-up"}}, OLD, "other"),
    ],
)
def test_it_counts_by_directive(client, value, content_type, directive):
    before = counted(directive)

    response = report(client, value, content_type)

    assert response.status_code == 204
    assert counted(directive) == before + 1


def test_it_logs_no_path_no_query_and_no_sample(client, caplog):
    with caplog.at_level(logging.WARNING, "chatsec.core.csp_reports"):
        report(client, {"csp-report": BODY})

    (record,) = caplog.records
    assert record.directive == "script-src-elem"
    assert record.blocked == "evil.example"
    assert record.route == "account"
    for secret in ("secret", "steal", "cookie", "alert"):
        assert secret not in str(vars(record))


def test_it_does_not_fill_the_logs(client, caplog):
    reports = [{"type": "csp-violation", "body": NEW_BODY}] * 50
    with caplog.at_level(logging.WARNING, "chatsec.core.csp_reports"):
        for _ in range(10):
            report(client, reports, NEW)

    assert len(caplog.records) == csp_reports.LOGGED_PER_MINUTE


@pytest.mark.parametrize(
    ("value", "content_type", "status"),
    [
        (b"", OLD, 415),  # without a body there is no type
        (b"{", OLD, 400),
        (b'{"a":1,"a":2}', OLD, 400),
        (b"[" * 5000, NEW, 400),
        (b"x" * (csp_reports.MAX_BYTES + 1), OLD, 413),
        (b"x" * 300_000, OLD, 413),
        (b"{}", "application/json", 415),
        (b"a=b", "application/x-www-form-urlencoded", 415),
        (b"{}", OLD, 204),
        (b"[1, null, {}]", NEW, 204),
        (b'{"csp-report": "text"}', OLD, 204),
        (b'[{"type": "deprecation", "body": {}}]', NEW, 204),
        (
            b'{"csp-report": {"document-uri": "http://[", "blocked-uri": "[["}}',
            OLD,
            204,
        ),
    ],
)
def test_it_answers_every_body(client, value, content_type, status):
    assert report(client, value, content_type).status_code == status


def test_only_a_post_is_a_report(client):
    assert client.get("/csp-reports").status_code == 405


def test_the_policy_names_it_in_both_ways(client):
    response = client.get("/healthz")

    policy = response["Content-Security-Policy"]
    assert "report-uri /csp-reports" in policy
    assert "report-to csp" in policy
    assert response["Reporting-Endpoints"] == 'csp="/csp-reports"'
