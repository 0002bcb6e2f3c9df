"""The check that the documentation gives to receivers is right, and fails closed."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.utils import timezone

from auditlog.signatures import sign

GUIDE = Path(settings.BASE_DIR) / "docs/howto/receive-signed-messages.md"
SECRET = "a secret that both sides hold"


@pytest.fixture(scope="module")
def is_ours() -> Callable[[str, bytes, str], bool]:
    """Return the function as printed."""
    (code,) = re.findall(r"```python\n(.*?)```", GUIDE.read_text(), re.DOTALL)
    names: dict[str, Any] = {}
    exec(code, names)  # our own page
    found: Callable[[str, bytes, str], bool] = names["is_ours"]
    return found


def signed(body: bytes, *, age: timedelta = timedelta(0)) -> str:
    return sign(body, secret=SECRET, at=timezone.now() - age)


def test_what_we_sign_is_ours(is_ours: Callable[..., bool]) -> None:
    assert is_ours(signed(b"{}"), b"{}", SECRET)


@pytest.mark.parametrize("minutes", [6, -6])
def test_what_is_old_or_ahead_is_not(
    is_ours: Callable[..., bool], minutes: int
) -> None:
    header = signed(b"{}", age=timedelta(minutes=minutes))

    assert not is_ours(header, b"{}", SECRET)


@pytest.mark.parametrize(
    "header",
    ["", "t=", "v1=", "t=1,v1=", "t=x,v1=x", "t=²,v1=x", "rubbish", "t=-1,v1=x"],
)
def test_rubbish_is_not(is_ours: Callable[..., bool], header: str) -> None:
    assert not is_ours(header, b"{}", SECRET)


def test_another_body_or_secret_is_not(is_ours: Callable[..., bool]) -> None:
    header = signed(b"{}")

    assert not is_ours(header, b"{ }", SECRET)
    assert not is_ours(header, b"{}", "another")
    assert not is_ours(header.replace("v1=", "v2="), b"{}", SECRET)
    assert not is_ours(f"{header.split(',')[0]},v1=²", b"{}", SECRET)
