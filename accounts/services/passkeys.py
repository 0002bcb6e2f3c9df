"""Passkeys: what a browser is asked, and whether what it answers is true (WebAuthn).

The ceremony is the W3C's, checked by py_webauthn. What is asked is never stored: the
bytes to be signed are derived from the id of the question, which is random, answered
once, and dies after five minutes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone
from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    options_to_json,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.authentication.verify_authentication_response import (
    VerifiedAuthentication,
)
from webauthn.helpers import (
    parse_authentication_credential_json,
    parse_registration_credential_json,
)
from webauthn.helpers.structs import (
    AttestationConveyancePreference,
    AuthenticationCredential,
    AuthenticatorSelectionCriteria,
    AuthenticatorTransport,
    PublicKeyCredentialDescriptor,
    RegistrationCredential,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)
from webauthn.registration.verify_registration_response import VerifiedRegistration

from accounts.constants import CHALLENGE_LIFE
from accounts.errors import InvalidPasskey
from accounts.models import Passkey, User
from accounts.models.passkeys import credential_digest, user_handle
from accounts.selectors import list_passkeys
from chatsec.core.crypto import blind_index
from chatsec.core.errors import Conflict, Json

MAX_NAME = 64
Answer = Mapping[str, Json]


def _relying_party() -> str:
    """Return the host that passkeys are bound to."""
    return urlsplit(settings.CHATSEC_PUBLIC_URL).hostname or "localhost"


def _origin() -> str:
    parts = urlsplit(settings.CHATSEC_PUBLIC_URL)
    return f"{parts.scheme}://{parts.netloc}"


def _challenge_bytes(question_id: UUID) -> bytes:
    return blind_index("accounts.passkey_challenge", str(question_id))


def _descriptors(user: User) -> list[PublicKeyCredentialDescriptor]:
    return [
        PublicKeyCredentialDescriptor(
            id=passkey.credential_id,
            transports=[AuthenticatorTransport(each) for each in passkey.transports],
        )
        for passkey in list_passkeys(user)
    ]


def ask_to_register(user: User, question_id: UUID) -> Answer:
    """Return what `navigator.credentials.create()` takes."""
    options = generate_registration_options(
        rp_id=_relying_party(),
        rp_name=settings.CHATSEC_ORGANISATION,
        user_id=user_handle(user.id),
        user_name=user.username,
        user_display_name=user.username,
        challenge=_challenge_bytes(question_id),
        timeout=_milliseconds(),
        # Nobody's make of device is asked for: it would tell more than is needed.
        attestation=AttestationConveyancePreference.NONE,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.PREFERRED,
            user_verification=UserVerificationRequirement.PREFERRED,
        ),
        exclude_credentials=_descriptors(user),
    )
    asked: Answer = json.loads(options_to_json(options))
    return asked


def ask_to_sign(question_id: UUID, *, user: User | None) -> Answer:
    """Return what `navigator.credentials.get()` takes.

    Without a user any passkey may answer, whose device then has to know its owner.
    """
    wanted = (
        UserVerificationRequirement.REQUIRED
        if user is None
        else UserVerificationRequirement.PREFERRED
    )
    options = generate_authentication_options(
        rp_id=_relying_party(),
        challenge=_challenge_bytes(question_id),
        timeout=_milliseconds(),
        allow_credentials=_descriptors(user) if user is not None else None,
        user_verification=wanted,
    )
    asked: Answer = json.loads(options_to_json(options))
    return asked


def _milliseconds() -> int:
    return int(CHALLENGE_LIFE.total_seconds() * 1000)


def register(user: User, question_id: UUID, answer: Answer, *, name: str) -> Passkey:
    """Keep the new passkey; raise InvalidPasskey, or Conflict for one that is known."""
    credential = _parsed_registration(answer)
    verified = _verified_registration(credential, question_id)
    passkey = Passkey(user=user, name=name[:MAX_NAME], confirmed=True)
    passkey.credential_id = verified.credential_id
    passkey.public_key = verified.credential_public_key
    passkey.sign_count = verified.sign_count
    passkey.is_synced = verified.credential_backed_up
    passkey.transports = [each.value for each in credential.response.transports or ()]
    try:
        with transaction.atomic():
            passkey.save(force_insert=True)
    except IntegrityError as error:
        raise Conflict(
            "This passkey is known already.", code="known_passkey"
        ) from error
    return passkey


def check_answer(question_id: UUID, answer: Answer, *, user: User | None) -> Passkey:
    """Return the passkey that signed; raise InvalidPasskey for anything else.

    To be called in a transaction: the passkey's row stays locked, so that two answers
    cannot both be newer than the same count. Without a `user` the device must have
    checked who holds it (two factors in one), and name its owner itself.
    """
    credential = _parsed_answer(answer)
    passkey = _find(credential, user=user)
    verified = _verified_answer(
        credential, question_id, passkey, must_verify=user is None
    )
    passkey.sign_count = verified.new_sign_count
    passkey.is_synced = verified.credential_backed_up
    passkey.last_used_at = timezone.now()
    passkey.save(update_fields=["sign_count", "is_synced", "last_used_at"])
    return passkey


def _find(credential: AuthenticationCredential, *, user: User | None) -> Passkey:
    rows = Passkey.objects.select_related("user").select_for_update(of=("self",))
    passkey: Passkey | None = rows.filter(
        credential_index=credential_digest(credential.raw_id), confirmed=True
    ).first()
    if passkey is None or (user is not None and passkey.user_id != user.id):
        raise InvalidPasskey
    claimed = credential.response.user_handle
    if user is None or claimed is not None:
        owner = user_handle(passkey.user_id)
        if claimed != owner:
            raise InvalidPasskey
    return passkey


def _parsed_answer(answer: Answer) -> AuthenticationCredential:
    try:
        return parse_authentication_credential_json(dict(answer))
    except Exception as error:
        # What a stranger sent goes through parsers that raise whatever they like.
        raise InvalidPasskey from error


def _parsed_registration(answer: Answer) -> RegistrationCredential:
    try:
        return parse_registration_credential_json(dict(answer))
    except Exception as error:
        raise InvalidPasskey from error


def _verified_answer(
    credential: AuthenticationCredential,
    question_id: UUID,
    passkey: Passkey,
    *,
    must_verify: bool,
) -> VerifiedAuthentication:
    public_key = passkey.public_key
    try:
        return verify_authentication_response(
            credential=credential,
            expected_challenge=_challenge_bytes(question_id),
            expected_rp_id=_relying_party(),
            expected_origin=_origin(),
            credential_public_key=public_key,
            credential_current_sign_count=passkey.sign_count,
            require_user_verification=must_verify,
        )
    except Exception as error:
        raise InvalidPasskey from error


def _verified_registration(
    credential: RegistrationCredential, question_id: UUID
) -> VerifiedRegistration:
    try:
        return verify_registration_response(
            credential=credential,
            expected_challenge=_challenge_bytes(question_id),
            expected_rp_id=_relying_party(),
            expected_origin=_origin(),
            require_user_verification=False,
        )
    except Exception as error:
        raise InvalidPasskey from error
