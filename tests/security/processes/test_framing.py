"""Where one request ends and the next begins is never a matter of opinion.

ASVS 4.2.1: a server and the proxy before it must not read a stream of bytes in two
ways (RFC 9112, section 6.3). Whatever has two lengths, or one that is no length, is
refused or its connection closed, and nothing behind it is answered.
"""

from __future__ import annotations

import socket

import pytest

from tests.security.processes.servers import HOST

HIDDEN = b"GET /smuggled HTTP/1.1\r\nHost: %s\r\n\r\n" % HOST.encode()
PATIENCE_SECONDS = 10


def request(*lines: str, body: bytes = b"") -> bytes:
    head = [
        "POST /api/v1/auth/token HTTP/1.1",
        f"Host: {HOST}",
        "X-Forwarded-Proto: https",
        "Content-Type: application/json",
        *lines,
    ]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


def answers(port: int, sent: bytes) -> list[int]:
    """Return the statuses of whatever the server answers before it hangs up."""
    received = b""
    with socket.create_connection(("127.0.0.1", port), PATIENCE_SECONDS) as line:
        line.sendall(sent)
        line.shutdown(socket.SHUT_WR)
        while chunk := line.recv(65536):
            received += chunk
    starts = [part[:3] for part in received.split(b"HTTP/1.1 ")[1:]]
    return [int(status) for status in starts]


CHUNKED = b"2\r\n{}\r\n0\r\n\r\n"
TWO_OPINIONS = {
    "both lengths, chunked ends first": request(
        f"Content-Length: {len(CHUNKED) + len(HIDDEN)}",
        "Transfer-Encoding: chunked",
        body=CHUNKED + HIDDEN,
    ),
    "both lengths, the number ends first": request(
        "Content-Length: 4",
        "Transfer-Encoding: chunked",
        body=b"%x\r\n" % len(HIDDEN) + HIDDEN + b"\r\n0\r\n\r\n",
    ),
    "two numbers": request("Content-Length: 2", "Content-Length: 0", body=HIDDEN),
    "two numbers in one line": request("Content-Length: 0, 2", body=HIDDEN),
    "a signed number": request("Content-Length: +0", body=HIDDEN),
    "a hexadecimal number": request("Content-Length: 0x0", body=HIDDEN),
    "a negative number": request("Content-Length: -1", body=HIDDEN),
    "an unknown coding": request("Transfer-Encoding: identity", body=HIDDEN),
    "chunked, not last": request("Transfer-Encoding: chunked, gzip", body=HIDDEN),
    "a hidden coding": request("Transfer-Encoding : chunked", body=CHUNKED + HIDDEN),
    "a folded coding": request("Transfer-Encoding:\r\n chunked", body=CHUNKED + HIDDEN),
    "a coding with a control character": request(
        "Transfer-Encoding: \x0bchunked", body=CHUNKED + HIDDEN
    ),
    "a chunk of no size": request("Transfer-Encoding: chunked", body=b"x\r\n" + HIDDEN),
    "a chunk with a signed size": request(
        "Transfer-Encoding: chunked", body=b"+2\r\n{}\r\n0\r\n\r\n" + HIDDEN
    ),
}


@pytest.mark.parametrize("name", [*TWO_OPINIONS])
def test_what_can_be_read_in_two_ways_is_refused_with_all_behind_it(name, servers):
    port = servers.wires[0].port

    found = answers(port, TWO_OPINIONS[name])

    # A body that breaks off is refused by the route, and then by the server.
    assert len(found) <= 2, found
    assert all(400 <= status < 600 for status in found), found
    assert 404 not in found  # the answer to what was hidden behind it


def test_two_honest_requests_on_one_line_get_two_answers(servers):
    """The measure: the second one is seen where it is meant to be one."""
    first = request("Content-Length: 2", body=b"{}")
    second = (
        f"GET /smuggled HTTP/1.1\r\nHost: {HOST}\r\nX-Forwarded-Proto: https\r\n\r\n"
    ).encode()

    assert answers(servers.wires[0].port, first + second) == [400, 404]
    chunked = request("Transfer-Encoding: chunked", body=CHUNKED)
    assert answers(servers.wires[0].port, chunked) == [400]


def test_no_server_tells_its_version(servers):
    """ASVS 13.4.6: whoever looks for an old version has to guess."""
    for path in ("/healthz", "/nowhere", "/api/v1/me", "/static/css/base.css"):
        told = servers.wires[0].get(path).headers

        assert not any(sign.isdigit() for sign in told.get("server", ""))
        assert "x-powered-by" not in told
