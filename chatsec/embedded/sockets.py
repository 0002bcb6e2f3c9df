"""Whether somebody answers on a socket."""

from __future__ import annotations

import socket
from pathlib import Path


def answers(path: Path, *, say: bytes = b"", expect: bytes = b"") -> bool:
    """Tell whether the socket takes a connection and, if asked, the right answer."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
        line.settimeout(2)
        try:
            line.connect(str(path))
            if not say:
                return True
            line.sendall(say)
            heard = b""
            while expect not in heard:
                part = line.recv(1024)
                heard += part
                if not part or heard.startswith(b"-") or b"\n-" in heard:
                    return False
            return True
        except OSError:
            return False
