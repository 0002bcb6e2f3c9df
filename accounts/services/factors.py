"""Second factors: enrolled, confirmed, asked for and taken away.

Codes are compared through django_otp alone, which locks the row they belong to.
"""

from __future__ import annotations

import secrets

import django_otp
from django.db import transaction
from django.utils import timezone

from accounts import events, notices
from accounts.constants import (
    ENROLMENT_LIFE,
    MAX_FACTORS_OF_A_KIND,
    MAX_REASON,
    RECOVERY_CODE_ALPHABET,
    RECOVERY_CODE_GROUP,
    RECOVERY_CODE_LENGTH,
    RECOVERY_CODES,
    TOTP_SECRET_BYTES,
)
from accounts.errors import CodeAlreadyUsed, InvalidCode
from accounts.models import (
    Challenge,
    Passkey,
    RecoveryCode,
    RecoverySheet,
    TOTPFactor,
    User,
)
from accounts.models.factors import is_code
from accounts.models.recovery import fold_recovery_code, recovery_code_digest
from accounts.names import one_line
from accounts.selectors import (
    CodeFactor,
    Factor,
    find_waiting_factor,
    has_second_factor,
    list_factors,
    list_totp_factors,
)
from accounts.seniority import refuse_managing
from accounts.services.notices import notify
from accounts.services.sessions import revoke_all_sessions
from auditlog.services import Target, record
from chatsec.core.context import current_actor
from chatsec.core.errors import Conflict, Denied, Invalid, NotFound

MAX_NAME = 64


def enrol_totp(user: User, *, name: str = "") -> TOTPFactor:
    """Return a new factor that waits for its first code; an older one waiting goes."""
    with transaction.atomic():
        # Two enrolments at once would each delete nothing and collide.
        hold_user(user)
        TOTPFactor.objects.filter(user=user, confirmed=False).delete()
        refuse_too_many(list_totp_factors(user).count())
        factor = TOTPFactor(user=user, name=name[:MAX_NAME], confirmed=False)
        factor.secret = secrets.token_bytes(TOTP_SECRET_BYTES)
        factor.save(force_insert=True)
    return factor


def confirm_totp(user: User, code: str) -> TOTPFactor:
    """Turn the waiting factor on if the code is its own; raise InvalidCode."""
    with transaction.atomic():
        waiting = find_waiting_factor(user)
        if waiting is None or timezone.now() > waiting.created_at + ENROLMENT_LIFE:
            raise NotFound("There is no authenticator app waiting for its first code.")
        if not django_otp.verify_token(user, waiting.persistent_id, code):
            raise InvalidCode
        TOTPFactor.objects.filter(id=waiting.id).update(confirmed=True)
        record_enrolment(waiting)
    waiting.refresh_from_db()
    return waiting


def make_recovery_codes(user: User) -> list[str]:
    """Return ten new codes, to be shown once; the old ones are worth nothing now."""
    codes = [_new_code() for _ in range(RECOVERY_CODES)]
    with transaction.atomic():
        hold_user(user)
        sheet, _ = RecoverySheet.objects.update_or_create(
            user=user,
            defaults={"created_at": timezone.now()},
        )
        sheet.codes.all().delete()
        RecoveryCode.objects.bulk_create(
            RecoveryCode(sheet=sheet, digest=recovery_code_digest(user.id, code))
            for code in codes
        )
        record(
            events.RECOVERY_CODES_MADE,
            target=Target(type="accounts.factor", id=str(sheet.handle)),
            subject_id=user.id,
        )
        notify(user, notices.RECOVERY_CODES_MADE)
    return [_grouped(code) for code in codes]


def _new_code() -> str:
    letters = (
        secrets.choice(RECOVERY_CODE_ALPHABET) for _ in range(RECOVERY_CODE_LENGTH)
    )
    return "".join(letters)


def _grouped(code: str) -> str:
    starts = range(0, RECOVERY_CODE_LENGTH, RECOVERY_CODE_GROUP)
    return "-".join(code[at : at + RECOVERY_CODE_GROUP] for at in starts)


def verify_code(user: User, code: str) -> bool:
    """Whether the code is one of the user's, which it is only once."""
    return find_matching_factor(user, code) is not None


def find_matching_factor(user: User, code: str) -> CodeFactor | None:
    """Spend the code and return the factor that took it."""
    if not is_code(code) and fold_recovery_code(code) is None:
        return None
    matched: CodeFactor | None = django_otp.match_token(user, code)
    return matched


def require_code(user: User, code: str) -> CodeFactor:
    """Spend the code; raise CodeAlreadyUsed or InvalidCode."""
    matched = find_matching_factor(user, code)
    if isinstance(matched, RecoverySheet):
        _record_recovery(matched)
    if matched is not None:
        return matched
    for factor in list_totp_factors(user):
        if factor.is_spent(code):
            raise CodeAlreadyUsed(retry_after_seconds=factor.seconds_to_fresh_code())
    raise InvalidCode


def _record_recovery(sheet: RecoverySheet) -> None:
    left = sheet.count_left()
    record(
        events.RECOVERY_CODE_USED,
        target=Target(type="accounts.factor", id=str(sheet.handle)),
        subject_id=sheet.user_id,
        details={"codes_left": left},
    )
    notify(sheet.user, notices.RECOVERY_CODE_USED, facts={"left": str(left)})


def remove_factor(factor: Factor) -> None:
    """Take the factor away; browsers that it verified are verified no more.

    Recovery codes go with the last factor that they stand in for.
    """
    user = factor.user
    with transaction.atomic():
        hold_user(user)
        record(
            events.FACTOR_REMOVED,
            target=target_of(factor),
            subject_id=factor.user_id,
            details={"kind": factor.kind},
        )
        notify(user, notices.FACTOR_REMOVED, facts={"factor": factor.name})
        factor.delete()
        if not has_second_factor(user):
            RecoverySheet.objects.filter(user=user).delete()


def rename_factor(factor: Factor, name: str) -> None:
    """Call the factor so; an empty name takes the name away."""
    name = one_line(name, limit=MAX_NAME + 1)
    if len(name) > MAX_NAME:
        message = f"At most {MAX_NAME} characters."
        raise Invalid(message, fields={"name": [message]})
    factor.name = name
    with transaction.atomic():
        factor.save(update_fields=["name_sealed"])
        record(
            events.FACTOR_RENAMED,
            target=target_of(factor),
            subject_id=factor.user_id,
            details={"kind": factor.kind},
        )


def reset_factors(user: User, *, reason: str) -> None:
    """Take every factor of somebody else away, and end his sessions.

    For who has lost them all: he signs in with his password and sets up anew.
    """
    reason = reason.strip()
    if not reason or len(reason) > MAX_REASON:
        text = f"A reason of at most {MAX_REASON} characters."
        raise Invalid("Please say why.", fields={"reason": [text]})
    if current_actor().id == user.id:
        raise Denied("Your own factors are under My security.", code="own_factors")
    refuse_managing(user, ["factors"])
    with transaction.atomic():
        hold_user(user)
        kinds = sorted({factor.kind for factor in list_factors(user)})
        for model in (TOTPFactor, Passkey, RecoverySheet):
            model.objects.filter(user=user).delete()
        Challenge.objects.filter(user=user, completed_at__isnull=True).delete()
        revoke_all_sessions(user, because="factors_reset")
        record(
            events.FACTORS_RESET,
            target=Target(type="accounts.user", id=str(user.id)),
            subject_id=user.id,
            details={"kinds": [*kinds]},
            subject_details={"reason": reason},
        )
        notify(user, notices.FACTORS_RESET)


def hold_user(user: User) -> None:
    """Lock the account's row until the transaction ends: its factors change by one."""
    User.objects.select_for_update(no_key=True).only("id").get(id=user.id)


def refuse_too_many(count: int) -> None:
    """Refuse another factor of a kind of which there are enough."""
    if count >= MAX_FACTORS_OF_A_KIND:
        raise Conflict(
            "You have enough of these. Remove one that you do not use.",
            code="too_many_factors",
        )


def record_enrolment(factor: Factor) -> None:
    """Leave evidence of a factor that counts from now on, and tell its owner."""
    record(
        events.FACTOR_ENROLLED,
        target=target_of(factor),
        subject_id=factor.user_id,
        details={"kind": factor.kind},
    )
    notify(factor.user, notices.FACTOR_ADDED, facts={"factor": factor.name})


def target_of(factor: Factor) -> Target:
    """Return the factor as the target of an event."""
    return Target(type="accounts.factor", id=str(factor.handle))
