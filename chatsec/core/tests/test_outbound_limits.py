"""Outgoing calls are verified, cut short, and keep nothing."""

import gzip
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from chatsec.core import outbound
from chatsec.core.outbound import OutboundFailed
from chatsec.core.tests import network
from chatsec.core.tests.network import says


class TestCertificates:
    def test_it_verifies_against_the_name_and_not_the_address(
        self, settings, tmp_path, zone, wire
    ):
        ca_file, tls = network.certificate("loopback.test", tmp_path)
        settings.CHATSEC_OUTBOUND_CA_FILE = str(ca_file)
        with network.server(says(b"hello"), tls=tls) as seen:
            zone.names["other.test"] = lambda count: ["127.0.0.1"]
            names = ("loopback.test", "other.test")
            allow = frozenset(f"{name}:{seen.port}" for name in names)

            good = outbound.request(
                "GET", f"https://loopback.test:{seen.port}/", allow=allow
            )
            with pytest.raises(OutboundFailed):
                outbound.request("GET", f"https://other.test:{seen.port}/", allow=allow)

        assert good.content == b"hello"
        assert len([r for r in seen.requests if r]) == 1

    def test_it_believes_no_unknown_authority(self, tmp_path, wire, monkeypatch):
        ca_file, tls = network.certificate("loopback.test", tmp_path)
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(ca_file))
        monkeypatch.setenv("SSL_CERT_FILE", str(ca_file))
        with network.server(says(b"hello"), tls=tls) as seen:
            place = f"loopback.test:{seen.port}"
            with pytest.raises(OutboundFailed):
                outbound.request("GET", f"https://{place}/", allow=frozenset({place}))


def drip(head: bytes, piece: bytes):
    def answer(connection):
        connection.sendall(head)
        for _ in range(200):
            time.sleep(0.05)
            connection.sendall(piece)

    return answer


class TestLimits:
    def call(self, answer, *, tls=None, **limits):
        with network.server(answer, tls=tls) as seen:
            place = f"loopback.test:{seen.port}"
            scheme = "https" if tls else "http"
            return outbound.request(
                "GET", f"{scheme}://{place}/", allow=frozenset({place}), **limits
            )

    def test_it_reads_as_much_as_allowed(self, wire):
        answer = self.call(says(b"x" * 1000), max_bytes=1000)

        assert answer.content == b"x" * 1000

    def test_it_reads_no_more_than_allowed(self, wire):
        with pytest.raises(OutboundFailed) as failed:
            self.call(says(b"x" * 1001), max_bytes=1000)

        assert failed.value.reason == "too long an answer"

    def test_it_counts_what_comes_out_of_compression(self, wire):
        bomb = gzip.compress(b"x" * 50_000_000)
        headers = "Content-Encoding: gzip\r\n"

        with pytest.raises(OutboundFailed) as failed:
            self.call(says(bomb, headers=headers), max_bytes=1_000_000)

        assert failed.value.reason == "too long an answer"

    @pytest.mark.parametrize(
        "pieces",
        [
            (b"", b"H"),
            (b"HTTP/1.1 200 OK\r\n", b"X-A: b\r\n"),
            (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
            (b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n", b"x"),
            (b"HTTP/1.1 200 OK\r\n\r\n", b"x"),
            (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
        ],
        ids=["status", "headers", "continue", "length", "until-close", "chunked"],
    )
    @pytest.mark.usefixtures("wire")
    @pytest.mark.parametrize("encrypted", [False, True], ids=["http", "https"])
    def test_a_slow_answer_ends_at_the_deadline(
        self, pieces, encrypted, settings, tmp_path
    ):
        tls = None
        if encrypted:
            ca_file, tls = network.certificate("loopback.test", tmp_path)
            settings.CHATSEC_OUTBOUND_CA_FILE = str(ca_file)
        began = time.monotonic()

        with pytest.raises(OutboundFailed) as failed:
            self.call(drip(*pieces), tls=tls, timeout_seconds=0.4)

        assert failed.value.reason == "took too long"
        assert time.monotonic() - began < 5  # the answer itself would take ten

    def test_a_slow_name_server_ends_at_the_deadline(self, monkeypatch):
        monkeypatch.setattr("socket.getaddrinfo", lambda *a, **k: time.sleep(5) or [])
        began = time.monotonic()

        with pytest.raises(OutboundFailed):
            outbound.request("GET", "http://slow.test/", timeout_seconds=0.2)

        assert time.monotonic() - began < 4

    def test_a_stream_that_is_never_read_is_cut(self, wire):
        with network.server(drip(b"HTTP/1.1 200 OK\r\n\r\n", b"x")) as seen:
            place = f"loopback.test:{seen.port}"
            with outbound.session(
                timeout_seconds=0.3, allow=frozenset({place})
            ) as session:
                answer = session.get(f"http://{place}/", stream=True)
                time.sleep(0.5)
                with pytest.raises(OutboundFailed):
                    answer.content  # noqa: B018 - reading is the act

    def test_it_keeps_no_connection_and_no_cookie(self, wire):
        headers = "Set-Cookie: a=b\r\nConnection: keep-alive\r\n"
        with network.server(says(b"ok", headers=headers)) as seen:
            place = f"loopback.test:{seen.port}"
            with outbound.session(allow=frozenset({place})) as session:
                session.get(f"http://{place}/")
                session.get(f"http://{place}/")

        assert seen.connections == 2
        assert all(b"cookie" not in request.lower() for request in seen.requests)

    def test_nothing_listens(self, wire):
        with network.server(says(b"")) as seen:
            port = seen.port

        with pytest.raises(OutboundFailed):
            outbound.request(
                "GET",
                f"http://127.0.0.1:{port}/",
                allow=frozenset({f"127.0.0.1:{port}"}),
            )

    def test_it_does_not_name_its_library(self, wire):
        with network.server(says(b"ok")) as seen:
            place = f"loopback.test:{seen.port}"
            outbound.request("GET", f"http://{place}/", allow=frozenset({place}))

        assert b"User-Agent: chatsec\r\n" in seen.requests[0]
        assert b"python" not in seen.requests[0].lower()


def test_threads_may_share_a_session(wire):
    """One call that ends must not close what another is about to use."""
    with network.server(says(b"ok")) as seen:
        place = f"loopback.test:{seen.port}"
        session = outbound.session(allow=frozenset({place}))
        with ThreadPoolExecutor(16) as threads:
            answers = threads.map(
                lambda _: session.get(f"http://{place}/").content, range(400)
            )
            assert [*answers] == [b"ok"] * 400

    assert seen.connections == 400
