"""The one client for outgoing HTTP: identity providers, webhooks, chat platforms, LLMs.

Wherever an address comes from outside (an administrator's form, a discovery document),
a caller could point it at what only this machine reaches (OWASP: server-side request
forgery). So the check sits where the connection is made: a name is resolved once, every
address it gives must be a public one, and the connection goes to exactly that address.
No parser above, no redirect, no proxy and no second answer of a name server can differ.
"""

from __future__ import annotations

import logging
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from typing import Any, TypedDict, Unpack

import requests  # noqa: TID251 - this module is the one door outwards
import urllib3  # noqa: TID251 - this module is the one door outwards
from django.conf import settings
from requests.adapters import BaseAdapter, HTTPAdapter  # noqa: TID251 - as above
from urllib3.connection import HTTPConnection, HTTPSConnection  # noqa: TID251 - as above
from urllib3.connectionpool import (  # noqa: TID251 - as above
    HTTPConnectionPool,
    HTTPSConnectionPool,
)
from urllib3.util import parse_url  # noqa: TID251 - as above

from chatsec.core.addresses import is_public, resolve
from chatsec.core.errors import Invalid, Unavailable

logger = logging.getLogger(__name__)

TIMEOUT_SECONDS = 10.0
MAX_BYTES = 1024 * 1024
CHUNK_BYTES = 16 * 1024
# Below 1024 only the web's own ports: mail and file servers are no business of ours.
WEB_PORTS = frozenset({80, 443})
FIRST_OPEN_PORT = 1024

Response = requests.Response
Session = requests.Session


class Parts(TypedDict, total=False):
    """What a call carries."""

    headers: Mapping[str, str]
    params: Mapping[str, str]
    data: bytes | Mapping[str, str]
    json: Any


class OutboundRefused(Invalid):
    """The address may not be called; nothing was sent to it."""

    default_code = "outbound_refused"

    def __init__(self, reason: str) -> None:
        # The sentence is the same for all reasons: it must not map the inner network.
        super().__init__("This address may not be called.")
        self.reason = reason


class OutboundFailed(Unavailable):
    """The call was allowed and gave no answer that could be used."""

    default_code = "outbound_failed"

    def __init__(self, reason: str) -> None:
        super().__init__("The other side gave no usable answer.")
        self.reason = reason


def session(
    *,
    timeout_seconds: float = TIMEOUT_SECONDS,
    max_bytes: int = MAX_BYTES,
    allow: frozenset[str] | None = None,
) -> requests.Session:
    """Return a session all of whose calls are checked, pinned and bounded.

    `allow` are `host:port` entries that may lie inside; by default those of
    `CHATSEC_OUTBOUND_ALLOWED`.
    """
    made = _Session()
    return harden(
        made, timeout_seconds=timeout_seconds, max_bytes=max_bytes, allow=allow
    )


def harden(
    given: requests.Session,
    *,
    timeout_seconds: float = TIMEOUT_SECONDS,
    max_bytes: int = MAX_BYTES,
    allow: frozenset[str] | None = None,
) -> requests.Session:
    """Make every call of a library's own session one of ours; return that session."""
    allowed = settings.CHATSEC_OUTBOUND_ALLOWED if allow is None else allow
    given.trust_env = False  # no proxies, no .netrc, no certificates from outside
    given.proxies = {}
    given.verify = settings.CHATSEC_OUTBOUND_CA_FILE or True
    given.headers["User-Agent"] = "chatsec"
    given.headers["Accept-Encoding"] = "identity"
    given.adapters.clear()
    limits = _Limits(
        timeout_seconds, max_bytes, frozenset(entry.lower() for entry in allowed)
    )
    given.mount("", _GuardedAdapter(limits))
    return given


def request(
    method: str,
    url: str,
    *,
    timeout_seconds: float = TIMEOUT_SECONDS,
    max_bytes: int = MAX_BYTES,
    allow: frozenset[str] | None = None,
    **parts: Unpack[Parts],
) -> requests.Response:
    """Make one call; the answer is read to its end and the connection closed."""
    with session(
        timeout_seconds=timeout_seconds, max_bytes=max_bytes, allow=allow
    ) as made:
        return made.request(method, url, **parts)


class _Session(requests.Session):
    """A session whose every failure is one of the two refusals above."""

    def request(self, *args: Any, **kwargs: Any) -> requests.Response:
        try:
            return super().request(*args, **kwargs)
        except (ValueError, UnicodeError) as error:  # not even an address
            raise _refused("not an address") from error
        except requests.RequestException as error:
            raise OutboundFailed(type(error).__name__) from error


class _Limits:
    """What every call of one session is held to."""

    def __init__(
        self, timeout_seconds: float, max_bytes: int, allow: frozenset[str]
    ) -> None:
        self.timeout_seconds = timeout_seconds
        self.max_bytes = max_bytes
        self.allow = allow


class _Call:
    """One call: its deadline, and the connection that ends when it is over.

    A time limit on the socket is one per read, which a server that sends a byte now
    and then never reaches; so a timer shuts the connection, whatever waits for it.
    """

    def __init__(self, limits: _Limits) -> None:
        self.limits = limits
        self._ends_at = time.monotonic() + limits.timeout_seconds
        self._lock = threading.Lock()
        self._leash: socket.socket | None = None
        self._timer = threading.Timer(limits.timeout_seconds, self._cut)
        self._timer.daemon = True
        self._timer.start()

    def remaining(self) -> float:
        """Return the seconds that are left; none left is a failure."""
        left = self._ends_at - time.monotonic()
        if left <= 0:
            raise OutboundFailed("took too long")
        return left

    def hold(self, connection: socket.socket) -> None:
        """Take a second handle of the connection: TLS swallows the first."""
        with self._lock:
            self._leash = connection.dup()
        self.remaining()

    def end(self) -> None:
        """Let go of the connection; the timer has nothing to cut any more."""
        self._timer.cancel()
        with self._lock:
            if self._leash is not None:
                self._leash.close()
                self._leash = None

    def _cut(self) -> None:
        with self._lock:
            if self._leash is None:
                return
            try:
                self._leash.shutdown(socket.SHUT_RDWR)
            except OSError:
                return  # the other side was faster


_call: ContextVar[_Call] = ContextVar("chatsec.outbound")


class _GuardedAdapter(BaseAdapter):
    """Sends each call over a connection of its own, checked where it is made."""

    def __init__(self, limits: _Limits) -> None:
        super().__init__()
        self._limits = limits

    def close(self) -> None:
        """Do nothing: no connection outlives its call."""

    def send(  # type: ignore[override]  # by keyword only, as sessions call it
        self,
        request: requests.PreparedRequest,
        *,
        verify: bool | str = True,
        cert: Any = None,
        proxies: Mapping[str, str] | None = None,
        **ignored: Any,
    ) -> requests.Response:
        """Send and return the answer, its body still to be read, within the limits."""
        _check_request(request, verify=verify, proxies=proxies)
        call = _Call(self._limits)
        token = _call.set(call)
        try:
            response = _sent(request, call, verify=verify, cert=cert)
        except BaseException:
            call.end()
            raise
        finally:
            _call.reset(token)
        response.raw = _BoundedBody(response.raw, call)
        if response.is_redirect:
            response.close()
            raise OutboundFailed("redirected")
        return response


class _Transport(HTTPAdapter):
    """The library's own sending, with connections that check."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {
            "http": _CheckedHTTPPool,
            "https": _CheckedHTTPSPool,
        }


def _sent(
    request: requests.PreparedRequest, call: _Call, *, verify: bool | str, cert: Any
) -> requests.Response:
    try:
        return _Transport().send(
            request,
            stream=True,
            timeout=call.remaining(),
            verify=verify,
            cert=cert,
            proxies={},
        )
    except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as e:
        call.remaining()
        raise OutboundFailed(type(e).__name__) from e


def _check_request(
    request: requests.PreparedRequest,
    *,
    verify: bool | str,
    proxies: Mapping[str, str] | None,
) -> None:
    """Refuse what would go round the check, before anything is opened."""
    if not verify:
        raise _refused("certificates are always verified")
    if proxies:
        raise _refused("a proxy would resolve the name anew")
    try:
        url = parse_url(request.url or "")
    except urllib3.exceptions.LocationParseError as error:
        raise _refused("not an address") from error
    if url.scheme not in {"http", "https"}:
        raise _refused("only http and https")
    if url.auth is not None:
        raise _refused("credentials in the address")


class _BoundedBody:
    """The body of an answer: so many bytes after decoding, before the deadline."""

    def __init__(self, body: urllib3.BaseHTTPResponse, call: _Call) -> None:
        self._body = body
        self._call = call

    def stream(
        self, amount: int = CHUNK_BYTES, *, decode_content: bool | None = None
    ) -> Iterator[bytes]:
        """Yield the body in pieces; what is too much or too late ends it."""
        left = self._call.limits.max_bytes
        try:
            for chunk in self._body.stream(min(amount, CHUNK_BYTES), decode_content):
                left -= len(chunk)
                if left < 0:
                    raise OutboundFailed("too long an answer")
                yield chunk
            # A connection that the timer cut looks like the end of the body.
            self._call.remaining()
        except (urllib3.exceptions.HTTPError, OSError) as error:
            self._call.remaining()
            raise OutboundFailed(type(error).__name__) from error
        finally:
            self.close()

    def close(self) -> None:
        """Close the connection, read or not."""
        self._body.close()
        self._call.end()

    def release_conn(self) -> None:
        """Close as well: connections are not used twice."""
        self.close()


class _Checked:
    """Makes connections to checked addresses only, for either scheme."""

    _dns_host: str
    port: int

    def _new_conn(self) -> socket.socket:
        # Without a call there is no deadline and no allow list: LookupError, no socket.
        return _connect(self._dns_host.strip("[]"), self.port, _call.get())


class _CheckedHTTP(_Checked, HTTPConnection):
    pass


class _CheckedHTTPS(_Checked, HTTPSConnection):
    pass


class _CheckedHTTPPool(HTTPConnectionPool):
    ConnectionCls = _CheckedHTTP


class _CheckedHTTPSPool(HTTPSConnectionPool):
    ConnectionCls = _CheckedHTTPS


def _connect(host: str, port: int, call: _Call) -> socket.socket:
    """Return a connection to one of the addresses of `host`, all of them public."""
    allowed = _entry(host, port) in call.limits.allow
    if not allowed and not (port in WEB_PORTS or port >= FIRST_OPEN_PORT):
        raise _refused("port", host, port)
    addresses = resolve(host, port, wait_seconds=call.remaining())
    if not addresses:
        raise OutboundFailed("no address")
    if not allowed and not all(is_public(where[0]) for _, where in addresses):
        raise _refused("inside address", host, port)
    for family, where in addresses:
        connection = socket.socket(family, socket.SOCK_STREAM)
        try:
            connection.settimeout(call.remaining())
            connection.connect(where)
            call.hold(connection)
        except OSError:
            connection.close()
            continue
        except BaseException:
            connection.close()
            raise
        return connection
    raise OutboundFailed("no connection")


def _entry(host: str, port: int) -> str:
    name = host.lower().rstrip(".")
    return f"[{name}]:{port}" if ":" in name else f"{name}:{port}"


def _refused(reason: str, host: str = "", port: int = 0) -> OutboundRefused:
    logger.warning("outgoing call refused (%s) %s", reason, _entry(host, port))
    return OutboundRefused(reason)
