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
from uuid_utils.compat import uuid7

from auditlog import signatures
from auditlog.signatures import new_secret, signed_headers

GUIDE = Path(settings.BASE_DIR) / "docs/howto/receive-signed-messages.md"
SECRET = new_secret()
Check = Callable[[dict[str, str], bytes, str], bool]


@pytest.fixture(scope="module")
def is_ours() -> Check:
    """Return the function as printed."""
    (code,) = re.findall(r"```python\n(.*?)```", GUIDE.read_text(), re.DOTALL)
    names: dict[str, Any] = {}
    exec(code, names)  # our own page
    found: Check = names["is_ours"]
    return found


def signed(
    body: bytes, *, age: timedelta = timedelta(0), secret: str = SECRET
) -> dict[str, str]:
    at = timezone.now() - age
    return signed_headers(body, secret=secret, delivery_id=uuid7(), at=at)


@pytest.mark.parametrize(
    "secret", [SECRET, "a secret that both sides hold"], ids=["key", "text"]
)
def test_what_we_sign_is_ours(is_ours: Check, secret: str) -> None:
    assert is_ours(signed(b"{}", secret=secret), b"{}", secret)


def test_we_sign_as_the_specification_does() -> None:
    """The example that Standard Webhooks gives to those who write libraries."""
    signature = signatures.sign(
        b'{"test": 2432232314}',
        secret="whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        message_id="msg_p5jXN8AQM9LWM0D4loKWxJek",
        seconds=1614265330,
    )

    assert signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@pytest.mark.parametrize("minutes", [6, -6])
def test_what_is_old_or_ahead_is_not(is_ours: Check, minutes: int) -> None:
    headers = signed(b"{}", age=timedelta(minutes=minutes))

    assert not is_ours(headers, b"{}", SECRET)


def test_what_was_caught_is_not_ours_as_another_message(is_ours: Check) -> None:
    headers = signed(b"{}") | {"webhook-id": str(uuid7())}

    assert not is_ours(headers, b"{}", SECRET)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("webhook-timestamp", value) for value in ("", "x", "²", "-1", "9" * 5000)),
        *(("webhook-signature", value) for value in ("", "v1,", "v1,²", "rubbish")),
        ("webhook-id", ""),
    ],
)
def test_rubbish_is_not(is_ours: Check, name: str, value: str) -> None:
    headers = signed(b"{}")

    assert not is_ours(headers | {name: value}, b"{}", SECRET)
    del headers[name]
    assert not is_ours(headers, b"{}", SECRET)


def test_another_body_secret_or_version_is_not(is_ours: Check) -> None:
    headers = signed(b"{}")
    signature = headers["webhook-signature"]
    other = {"webhook-signature": signature.replace("v1,", "v2,")}

    assert not is_ours(headers, b"{ }", SECRET)
    assert not is_ours(headers, b"{}", new_secret())
    assert not is_ours(headers | other, b"{}", SECRET)


def test_one_of_several_signatures_is_enough(is_ours: Check) -> None:
    headers = signed(b"{}")
    several = f"v1a,x v1,y {headers['webhook-signature']}"

    assert is_ours(headers | {"webhook-signature": several}, b"{}", SECRET)


def test_new_secrets_are_keys_of_the_prescribed_length() -> None:
    assert new_secret() != new_secret()
    assert len(signatures.key_of(new_secret())) == signatures.KEY_BYTES
