"""A small Internet for tests: a name server, a listener that counts, a TLS server."""

from __future__ import annotations

import ipaddress
import socket
import ssl
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from dnslib import AAAA, QTYPE, RR, A, DNSRecord
from dnslib.server import BaseResolver, DNSLogger, DNSServer

SYSTEM_RESOLVER = socket.getaddrinfo
PUBLIC = "93.184.216.34"
Answers = Callable[[int], list[str]]


class Zone(BaseResolver):  # type: ignore[misc]  # dnslib has no types
    """Names whose addresses may differ from question to question."""

    def __init__(self) -> None:
        self.names: dict[str, Answers] = {}
        self.asked: dict[str, int] = {}

    def resolve(self, request: Any, handler: Any) -> Any:
        reply = request.reply()
        name = str(request.q.qname).rstrip(".").lower()
        if request.q.qtype == QTYPE.A and name in self.names:
            count = self.asked[name] = self.asked.get(name, 0) + 1
            for text in self.names[name](count):
                kind, data = (QTYPE.AAAA, AAAA) if ":" in text else (QTYPE.A, A)
                reply.add_answer(RR(name, kind, rdata=data(text), ttl=0))
        return reply


@contextmanager
def name_server(zone: Zone) -> Iterator[int]:
    """Serve the zone over UDP on loopback; yield the port."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    quiet = DNSLogger("-request,-reply,-truncated")
    server = DNSServer(zone, address="127.0.0.1", port=port, logger=quiet)
    server.start_thread()
    try:
        yield port
    finally:
        server.server.shutdown()
        server.server.server_close()


def ask(port: int) -> Callable[..., list[Any]]:
    """Return a `getaddrinfo` that asks the local name server, once for every call."""

    def getaddrinfo(host: str, service: Any, *args: Any, **kwargs: Any) -> list[Any]:
        with suppress(OSError, UnicodeError):
            numeric = {**kwargs, "flags": socket.AI_NUMERICHOST}
            return SYSTEM_RESOLVER(host, service, *args, **numeric)
        question = DNSRecord.question(host.rstrip("."), "A")
        reply = DNSRecord.parse(question.send("127.0.0.1", port, timeout=5))
        found = [str(record.rdata) for record in reply.rr]
        if not found:
            raise socket.gaierror(socket.EAI_NONAME, "no such name")
        return [_addrinfo(text, int(service)) for text in found]

    return getaddrinfo


def _addrinfo(text: str, port: int) -> Any:
    if ipaddress.ip_address(text).version == 6:
        return socket.AF_INET6, socket.SOCK_STREAM, 6, "", (text, port, 0, 0)
    return socket.AF_INET, socket.SOCK_STREAM, 6, "", (text, port)


class Wire:
    """Sees every connection that this process tries; lets none leave the machine."""

    def __init__(self) -> None:
        self.tried: list[str] = []
        self.watching = False
        # A hook cannot be taken out again, only told to look away.
        sys.addaudithook(self._look)

    def _look(self, event: str, details: tuple[Any, ...]) -> None:
        if event != "socket.connect" or not self.watching:
            return
        address = details[1]
        if not isinstance(address, tuple):  # the database's own socket
            return
        self.tried.append(str(address[0]))
        if not ipaddress.ip_address(address[0].split("%")[0]).is_loopback:
            raise ConnectionRefusedError("nothing leaves the machine in a test")


@contextmanager
def server(
    answer: Callable[[socket.socket], None], *, tls: ssl.SSLContext | None = None
) -> Iterator[Any]:
    """Listen on every address of this machine and count who connects."""
    listener = socket.create_server(
        ("::", 0), family=socket.AF_INET6, dualstack_ipv6=True
    )
    seen = Seen(listener.getsockname()[1])
    threading.Thread(
        target=_accept, args=(listener, seen, answer, tls), daemon=True
    ).start()
    try:
        yield seen
    finally:
        listener.shutdown(socket.SHUT_RDWR)  # wakes the thread that accepts
        listener.close()


class Seen:
    """Where a server listens and how many came."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.connections = 0
        self.requests: list[bytes] = []


def _accept(
    listener: socket.socket,
    seen: Seen,
    answer: Callable[[socket.socket], None],
    tls: ssl.SSLContext | None,
) -> None:
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        seen.connections += 1
        threading.Thread(
            target=_serve, args=(connection, seen, answer, tls), daemon=True
        ).start()


def _serve(
    connection: socket.socket,
    seen: Seen,
    answer: Callable[[socket.socket], None],
    tls: ssl.SSLContext | None,
) -> None:
    with suppress(OSError), connection:
        spoken = tls.wrap_socket(connection, server_side=True) if tls else connection
        with spoken:
            seen.requests.append(spoken.recv(65536))
            answer(spoken)


def says(body: bytes, *, status: str = "200 OK", headers: str = "") -> Any:
    """Return a server's answer."""
    head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{headers}\r\n"
    return lambda connection: connection.sendall(head.encode() + body)


def certificate(name: str, folder: Path) -> tuple[Path, ssl.SSLContext]:
    """Return the file of a new authority, and TLS with its certificate for `name`."""
    authority = _key()
    issuer = _name("Test authority")
    root = _signed(issuer, authority, issuer=issuer, by=authority, of_authority=True)
    key = _key()
    leaf = _signed(_name(name), key, issuer=issuer, by=authority, host=name)
    ca_file, chain = folder / "ca.pem", folder / "server.pem"
    ca_file.write_bytes(root.public_bytes(serialization.Encoding.PEM))
    chain.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + leaf.public_bytes(serialization.Encoding.PEM)
    )
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(chain)
    return ca_file, tls


def _key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _signed(
    subject: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    *,
    issuer: x509.Name,
    by: ec.EllipticCurvePrivateKey,
    host: str = "",
    of_authority: bool = False,
) -> x509.Certificate:
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.BasicConstraints(ca=of_authority, path_length=None), True)
    )
    if host:
        names = x509.SubjectAlternativeName([x509.DNSName(host)])
        made = made.add_extension(names, False)
    return made.sign(by, hashes.SHA256())
