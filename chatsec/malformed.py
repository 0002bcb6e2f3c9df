"""The answer to what is no HTTP: gunicorn gives it before Django is asked."""

from __future__ import annotations

import json
import socket

from gunicorn import util

HEADERS = {
    "Connection": "close",
    "Content-Type": "application/problem+json",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def write_refusal(line: socket.socket, status: int, reason: str, _told: str) -> None:
    """Refuse a malformed request in words of our own: none of it is echoed."""
    problem = {"type": "about:blank", "title": reason, "status": status}
    body = json.dumps({**problem, "code": "malformed_request"})
    headers = {**HEADERS, "Content-Length": str(len(body))}
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    text = f"HTTP/1.1 {status} {reason}\r\n{lines}\r\n{body}"
    util.write_nonblock(line, text.encode("latin-1"))
