"""Passwords that everybody tries first, known without asking anybody."""

from __future__ import annotations

import lzma
import unicodedata
from functools import lru_cache
from pathlib import Path

from django.conf import settings

LIST = Path(__file__).parent / "data" / "common_passwords.txt.xz"


def fold_password(text: str) -> str:
    """Return the form in which variants of a password meet: width and case.

    For comparison with lists only: what is hashed is what was typed.
    """
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


def is_common(password: str) -> bool:
    """Whether the password, in whatever case and width, is on the list."""
    folded = fold_password(password)
    if "\n" in folded:
        return False
    # One search through four megabytes: less memory than a set in every process.
    return f"\n{folded}\n".encode("utf-8", "replace") in _listed()


@lru_cache(maxsize=1)
def _listed() -> bytes:
    listed = b"\n" + lzma.decompress(LIST.read_bytes())
    if settings.CHATSEC_COMMON_PASSWORDS:
        listed += _own_list(Path(settings.CHATSEC_COMMON_PASSWORDS))
    return listed


def _own_list(path: Path) -> bytes:
    """Return the lines of the installation's own list; a missing file is a fault."""
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    return "".join(f"{fold_password(line)}\n" for line in lines).encode()
