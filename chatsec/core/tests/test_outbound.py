"""No outgoing call reaches what lies inside, however the address is written."""

import socket
from contextlib import suppress

import pytest
import requests  # noqa: TID251 - the same call without the guard, as a control

from chatsec.core import outbound
from chatsec.core.addresses import is_public
from chatsec.core.errors import DomainError
from chatsec.core.outbound import OutboundFailed, OutboundRefused
from chatsec.core.tests import network
from chatsec.core.tests.network import PUBLIC, says

LOOPBACK_FORMS = [
    "http://127.0.0.1:{port}/",
    "http://127.1:{port}/",
    "http://127.0.1:{port}/",
    "http://127.8.9.10:{port}/",
    "http://2130706433:{port}/",
    "http://0x7f000001:{port}/",
    "http://0x7f.1:{port}/",
    "http://0x7F.0x0.0x0.0x1:{port}/",
    "http://0177.0.0.1:{port}/",
    "http://017700000001:{port}/",
    "http://00000177.0.0.1:{port}/",
    "http://0:{port}/",
    "http://0.0.0.0:{port}/",
    "http://127.0.0.1.:{port}/",
    "http://localhost:{port}/",
    "http://LOCALHOST:{port}/",
    "http://localhost.:{port}/",
    "http://%6c%6f%63alhost:{port}/",
    "http://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ:{port}/",
    "http://①②⑦.⓪.⓪.①:{port}/",
    "http://127。0。0。1:{port}/",
    "http://127%2e0%2e0%2e1:{port}/",
    "http://[::1]:{port}/",
    "http://[0:0:0:0:0:0:0:1]:{port}/",
    "http://[0000::0001]:{port}/",
    "http://[::]:{port}/",
    "http://[::ffff:127.0.0.1]:{port}/",
    "http://[::ffff:7f00:1]:{port}/",
    "http://[0:0:0:0:0:ffff:127.0.0.1]:{port}/",
    "http://[::127.0.0.1]:{port}/",
    "http://[64:ff9b::7f00:1]:{port}/",
    "http://[64:ff9b:1::7f00:1]:{port}/",
    "http://[2002:7f00:1::]:{port}/",
    "http://[2001:0:7f00:1::]:{port}/",
    "http://[fe80::5efe:7f00:1%25lo]:{port}/",
    "http://[fe80::1%25lo]:{port}/",
    "http://loopback.test:{port}/",
    "http://loopback6.test:{port}/",
    "http://mapped.test:{port}/",
    "http://both.test:{port}/",
    "http://user@127.0.0.1:{port}/",
    "http://public.test@127.0.0.1:{port}/",
    "http://public.test:80@127.0.0.1:{port}/",
    "http://public.test%40@127.0.0.1:{port}/",
    "http://127.0.0.1:{port}\\@public.test/",
    "http://public.test#@127.0.0.1:{port}/",
    "http://127.0.0.1:{port}#public.test",
    "http://127.0.0.1:{port}?public.test",
    "http:127.0.0.1:{port}/",
    "http:/127.0.0.1:{port}/",
    "http:///127.0.0.1:{port}/",
    "http:\\\\127.0.0.1:{port}/",
    " http://127.0.0.1:{port}/",
    "http://127.0.0.1 :{port}/",
    "http://127.0.0.1\t:{port}/",
    "http://public.test\r\nHost: 127.0.0.1:{port}/",
    "hTTp://127.0.0.1:{port}/",
    "https://127.0.0.1:{port}/",
    "//127.0.0.1:{port}/",
    "127.0.0.1:{port}",
    "http+unix://127.0.0.1:{port}/",
]
INSIDE = [
    "http://10.0.0.1/",
    "http://172.16.0.1/",
    "http://172.31.255.254/",
    "http://192.168.1.1/",
    "http://100.64.0.1/",
    "http://169.254.169.254/latest/meta-data/",
    "http://2852039166/",
    "http://0xa9fea9fe/",
    "http://[::ffff:169.254.169.254]/",
    "http://[fd00:ec2::254]/",
    "http://[fe80::1]/",
    "http://[fec0::1]/",
    "http://[ff02::1]/",
    "http://[100::1]/",
    "http://[2001:db8::1]/",
    "http://[3fff::1]/",
    "http://[5f00::1]/",
    "http://[2002:a9fe:a9fe::]/",
    "http://192.0.0.8/",
    "http://192.0.2.1/",
    "http://192.88.99.1/",
    "http://198.18.0.1/",
    "http://198.51.100.1/",
    "http://203.0.113.1/",
    "http://224.0.0.1/",
    "http://240.0.0.1/",
    "http://255.255.255.255/",
    "http://metadata.test/",
]
NOT_THE_WEB = [
    "file:///etc/passwd",
    "file://localhost/etc/passwd",
    "ftp://public.test/",
    "gopher://public.test:6379/_FLUSHALL",
    "dict://public.test:6379/info",
    "ldap://public.test/",
    "data:text/plain,hello",
    "ws://public.test/",
    "javascript:alert(1)",
    "http://public.test:25/",
    "http://public.test:22/",
    "http://public.test:99999/",
    "http://public.test:-1/",
    "http://",
    "http://.",
    "http://[::1/",
    "http://a..b/",
    "http://" + "a" * 64 + ".test/",
    "",
]


class TestWhatLiesInside:
    @pytest.mark.parametrize("form", LOOPBACK_FORMS)
    def test_it_connects_to_no_form_of_loopback(self, form, wire, canary):
        with pytest.raises(DomainError):
            outbound.request("GET", form.format(port=canary.port), timeout_seconds=3)

        assert set(wire.tried) <= {PUBLIC}
        assert canary.connections == 0

    @pytest.mark.parametrize("url", INSIDE)
    def test_it_connects_to_no_inside_address(self, url, wire):
        with pytest.raises(OutboundRefused) as refused:
            outbound.request("POST", url, json={})

        assert wire.tried == []
        assert refused.value.reason == "inside address"

    @pytest.mark.parametrize("url", NOT_THE_WEB)
    def test_it_calls_nothing_but_the_web(self, url, wire):
        with pytest.raises((OutboundRefused, OutboundFailed)):
            outbound.request("GET", url)

        assert wire.tried == []

    def test_the_canary_hears_the_same_forms_from_a_client_without_guard(
        self, wire, canary
    ):
        heard = 0
        for form in LOOPBACK_FORMS:
            before = canary.connections
            with suppress(requests.RequestException, ValueError):
                requests.get(form.format(port=canary.port), timeout=3)
            heard += canary.connections > before

        assert heard >= 25

    def test_it_tells_the_caller_nothing_of_the_inside(self, wire, canary):
        texts = set()
        for url in (f"http://127.0.0.1:{canary.port}/", "http://10.1.2.3/", "file:///"):
            with pytest.raises(OutboundRefused) as refused:
                outbound.request("GET", url)
            texts.add((refused.value.message, refused.value.code))

        assert len(texts) == 1

    def test_it_calls_what_is_allowed_by_name_and_nothing_beside_it(self, wire, canary):
        allow = frozenset({f"loopback.test:{canary.port}"})

        answer = outbound.request(
            "GET", f"http://Loopback.test:{canary.port}/", allow=allow
        )

        assert answer.content == b"inside"
        for other in ("127.0.0.1", "localhost", "loopback6.test"):
            with pytest.raises(OutboundRefused):
                outbound.request("GET", f"http://{other}:{canary.port}/", allow=allow)
        with pytest.raises(OutboundRefused):
            outbound.request("GET", "http://loopback.test:8080/", allow=allow)

    def test_the_settings_name_what_is_allowed(self, settings, wire, canary):
        settings.CHATSEC_OUTBOUND_ALLOWED = frozenset({f"[::1]:{canary.port}"})

        assert outbound.request("GET", f"http://[::1]:{canary.port}/").ok


class TestRebinding:
    @pytest.mark.parametrize("name", ["rebinding.test", "restless.test"])
    def test_a_second_answer_of_the_name_server_changes_nothing(
        self, name, wire, zone, canary
    ):
        with outbound.session(timeout_seconds=3) as session:
            for _ in range(20):
                with pytest.raises(DomainError):
                    session.get(f"http://{name}:{canary.port}/")

        assert set(wire.tried) == {PUBLIC}
        assert canary.connections == 0

    def test_one_call_asks_once(self, wire, zone):
        with pytest.raises(OutboundFailed):
            outbound.request("GET", "http://rebinding.test/")

        assert zone.asked["rebinding.test"] == 1
        assert wire.tried == [PUBLIC]

    def test_a_client_that_asks_twice_is_led_inside(self, wire, zone, canary):
        """Without pinning: the check sees the first answer, the call the second."""
        (_, _, _, _, where), *_ = socket.getaddrinfo("rebinding.test", canary.port)
        assert is_public(where[0])

        requests.get(f"http://rebinding.test:{canary.port}/", timeout=3)

        assert canary.connections == 1


class TestWaysRound:
    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
    def test_it_follows_no_redirect(self, status, wire, canary):
        where = f"Location: http://127.0.0.1:{canary.port}/\r\n"
        with network.server(says(b"", status=f"{status} x", headers=where)) as first:
            allow = frozenset({f"127.0.0.1:{first.port}"})
            with pytest.raises(OutboundFailed) as failed:
                outbound.request("GET", f"http://127.0.0.1:{first.port}/", allow=allow)

        assert failed.value.reason == "redirected"
        assert canary.connections == 0

    @pytest.mark.parametrize("name", ["http_proxy", "HTTP_PROXY", "ALL_PROXY"])
    def test_it_takes_no_proxy_from_the_environment(
        self, name, monkeypatch, wire, canary
    ):
        monkeypatch.setenv(name, f"http://127.0.0.1:{canary.port}")

        with pytest.raises(OutboundFailed):
            outbound.request("GET", "http://public.test/", timeout_seconds=3)

        assert wire.tried == [PUBLIC]
        assert canary.connections == 0

    def test_it_takes_no_proxy_from_the_caller(self, wire, canary):
        with outbound.session() as session, pytest.raises(OutboundRefused):
            session.get(
                "http://public.test/",
                proxies={"http": f"http://127.0.0.1:{canary.port}"},
            )

        assert wire.tried == []

    def test_nobody_turns_the_check_of_certificates_off(self, wire):
        with outbound.session() as session, pytest.raises(OutboundRefused):
            session.get("https://public.test/", verify=False)

        assert wire.tried == []

    def test_a_librarys_own_session_is_held_as_well(self, wire, canary):
        theirs = requests.Session()

        outbound.harden(theirs)

        with pytest.raises(OutboundRefused):
            theirs.get(f"http://127.0.0.1:{canary.port}/")
        with pytest.raises(OutboundRefused):
            theirs.get("gopher://public.test/")
        assert canary.connections == 0

    def test_a_connection_without_a_call_is_never_made(self, wire, canary):
        transport = outbound._Transport()

        with pytest.raises(LookupError):
            transport.poolmanager.request("GET", f"http://127.0.0.1:{canary.port}/")
        assert canary.connections == 0


@pytest.mark.parametrize(
    "address", [PUBLIC, "8.8.8.8", "2606:4700:4700::1111", "2a00:1450:4001::200e"]
)
def test_public_addresses_are_public(address):
    assert is_public(address)


@pytest.mark.parametrize("text", ["", "public.test", "1.2.3", "2606:::1", "127.0.0.1"])
def test_everything_else_is_not(text):
    assert not is_public(text)
