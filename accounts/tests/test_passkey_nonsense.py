"""What no authenticator says is refused in clear words."""

from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.errors import InvalidPasskey
from accounts.services import (
    passkeys,
)
from accounts.tests.factories import make_session, make_user
from accounts.tests.soft_passkey import set_up_passkey
from accounts.tests.test_passkeys import ask_sign_in

pytestmark = pytest.mark.django_db


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner)
    ),
    max_leaves=8,
)
TEXT = st.text(max_size=60) | st.binary(max_size=60).map(
    lambda data: __import__("base64").urlsafe_b64encode(data).decode()
)
SHAPED = st.fixed_dictionaries(
    {
        "id": TEXT,
        "rawId": TEXT,
        "type": st.just("public-key"),
        "response": st.dictionaries(
            st.sampled_from(
                [
                    "clientDataJSON",
                    "authenticatorData",
                    "signature",
                    "userHandle",
                    "attestationObject",
                    "transports",
                ]
            ),
            TEXT | JSON,
        ),
    }
)


@settings(max_examples=150, suppress_health_check=list(HealthCheck), deadline=None)
@given(answer=SHAPED | st.dictionaries(st.text(max_size=8), JSON))
def test_any_nonsense_is_a_clear_refusal(answer):
    with pytest.raises(InvalidPasskey):
        passkeys.check_answer(uuid4(), answer, user=None)


def bent(answer, part, at):
    from webauthn.helpers import base64url_to_bytes, bytes_to_base64url

    found = bytearray(base64url_to_bytes(answer["response"][part]))
    found[at % len(found)] ^= 1 + at % 255
    answer["response"][part] = bytes_to_base64url(bytes(found))
    return answer


@settings(
    max_examples=30,
    suppress_health_check=list(HealthCheck),
    deadline=None,
)
@given(
    part=st.sampled_from(["clientDataJSON", "authenticatorData", "signature"]),
    at=st.integers(0, 400),
)
def test_one_changed_byte_is_refused(part, at):
    user = type(make_session(make_user(f"u{uuid4().hex[:12]}")).user).objects.latest(
        "date_joined"
    )
    device = set_up_passkey(user)
    challenge, options = ask_sign_in(user)

    with pytest.raises(InvalidPasskey):
        passkeys.check_answer(
            challenge.id, bent(device.get(options), part, at), user=user
        )
