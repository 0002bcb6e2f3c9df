import pytest
from django.test import RequestFactory

from chatsec.core.middleware import client_address


@pytest.mark.parametrize(
    ("trusted", "forwarded", "remote", "expected"),
    [
        (0, "", "198.51.100.7", "198.51.100.7"),
        (0, "203.0.113.9", "198.51.100.7", "198.51.100.7"),
        (1, "203.0.113.9", "10.0.0.1", "203.0.113.9"),
        (1, "6.6.6.6, 203.0.113.9", "10.0.0.1", "203.0.113.9"),
        (2, "6.6.6.6, 203.0.113.9, 10.0.0.2", "10.0.0.1", "203.0.113.9"),
        (2, "203.0.113.9", "10.0.0.1", "203.0.113.9"),
        (1, "", "10.0.0.1", "10.0.0.1"),
        (1, "not-an-address", "10.0.0.1", None),
        (0, "", "::ffff:198.51.100.7", "198.51.100.7"),
        (0, "", "2001:db8::1", "2001:db8::1"),
        (0, "", "", None),
    ],
)
def test_it_believes_only_as_many_proxies_as_it_is_told(
    settings, trusted, forwarded, remote, expected
):
    settings.CHATSEC_TRUSTED_PROXIES = trusted
    headers = {"X-Forwarded-For": forwarded} if forwarded else {}
    request = RequestFactory().get("/", headers=headers, REMOTE_ADDR=remote)

    assert client_address(request) == expected


@pytest.mark.django_db
class TestEveryAnswer:
    @pytest.mark.parametrize(
        "path", ["/healthz", "/sign-in", "/nowhere", "/api/v1/nowhere", "/admin/"]
    )
    def test_it_carries_the_security_headers(self, client, path):
        response = client.get(path)

        policy = response["Content-Security-Policy"]
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert response["X-Content-Type-Options"] == "nosniff"
        assert response["Referrer-Policy"] == "same-origin"
        assert response["Cross-Origin-Opener-Policy"] == "same-origin"
        assert response["Cross-Origin-Resource-Policy"] == "same-origin"
        assert "no-store" in response["Cache-Control"]
        assert "camera=()" in response["Permissions-Policy"]

    def test_the_nonce_is_new_each_time(self, client):
        first, second = client.get("/sign-in"), client.get("/sign-in")

        assert first["Content-Security-Policy"] != second["Content-Security-Policy"]
        assert "nonce-" in first["Content-Security-Policy"]

    def test_it_names_the_request_by_its_own_id(self, client):
        first = client.get("/healthz", headers={"X-Request-ID": "chosen-by-caller"})
        second = client.get("/healthz")

        assert first["X-Request-ID"] not in {"chosen-by-caller", second["X-Request-ID"]}

    def test_a_trusted_proxy_may_choose_the_id(self, client, settings):
        settings.CHATSEC_TRUSTED_PROXIES = 1

        chosen = client.get("/healthz", headers={"X-Request-ID": "from-the-proxy-1"})
        broken = client.get("/healthz", headers={"X-Request-ID": "a\tb c"})

        assert chosen["X-Request-ID"] == "from-the-proxy-1"
        assert broken["X-Request-ID"] != "a\tb c"
