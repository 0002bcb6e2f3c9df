"""Browsers that their owner has signed in on before.

Two things hang on it. Whoever signs in elsewhere is told to the owner (ASVS 6.3.5). And
a lock that a stranger caused does not keep the owner out (ASVS 6.1.1): tries from a
known browser are counted in a budget of their own. The mark is 256 random bits in a
signed cookie; it proves nothing but "was here before", and opens nothing by itself.
"""

from __future__ import annotations

import secrets
from uuid import UUID

from django.core import signing
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from accounts import events
from accounts.constants import (
    DEVICE_LIFE,
    DEVICE_MARK_BYTES,
    MAX_DEVICE_MARKS,
    MAX_KNOWN_DEVICES,
)
from accounts.models import AuthSession, KnownDevice, User
from accounts.networks import subnet_of
from accounts.notices import NEW_DEVICE
from accounts.services.notices import notify
from auditlog.services import Target, record
from chatsec.core import context
from chatsec.core.crypto import blind_index
from chatsec.core.devices import name_device

SIGNER = signing.Signer(salt="accounts.known_devices")
# Where a request keeps the marks that its answer has to carry.
MARKS_KEY = "chatsec.device_marks"


def read_cookie(cookie: str) -> tuple[str, ...]:
    """Return the marks in the cookie; none if it is not ours."""
    try:
        return tuple(SIGNER.unsign(cookie).split("."))[:MAX_DEVICE_MARKS]
    except signing.BadSignature:
        return ()


def write_cookie(marks: tuple[str, ...]) -> str:
    """Return the cookie that carries the marks."""
    return SIGNER.sign(".".join(marks))


def find_device(user_id: UUID) -> KnownDevice | None:
    """Return the browser of this request if the user has signed in on it before."""
    return _marked(user_id).first() if context.current().devices else None


def _marked(user_id: UUID) -> QuerySet[KnownDevice]:
    return KnownDevice.objects.filter(
        user_id=user_id,
        digest__in=[_digest(user_id, mark) for mark in context.current().devices],
        last_used_at__gt=timezone.now() - DEVICE_LIFE,
    )


def remember_browser(request: HttpRequest, session: AuthSession) -> None:
    """Know this browser from now on; the user is told if it was not known.

    To be called in the transaction that signs in; the middleware sends the cookie.
    """
    marks = context.current().devices
    # Locked, or a sign-out from elsewhere could forget it before it is used.
    device = _marked(session.user_id).select_for_update().first()
    if device is None:
        mark = secrets.token_urlsafe(DEVICE_MARK_BYTES)
        # Who shares the browser keeps his own mark in the same cookie.
        marks = (mark, *marks)[:MAX_DEVICE_MARKS]
        # What is recorded from here on has the mark that it will be known by.
        context.set_devices(marks)
        device = _add(session, _digest(session.user_id, mark))
    _use(device, session)
    request.META[MARKS_KEY] = marks


def remember_app(session: AuthSession) -> None:
    """Know an app by its kind and network: enough not to tell of it each time.

    Without a cookie anybody can look like it, so it gets no budget of its own.
    """
    here = context.current()
    network = subnet_of(here.ip) if here.ip else ""
    looks = f"{session.user_id}:{name_device(here.user_agent)}:{network}"
    digest = blind_index("accounts.familiar_app", looks)
    device = KnownDevice.objects.select_for_update().filter(digest=digest).first()
    _use(device or _add(session, digest), session)


def forget_devices(user: User) -> int:
    """Know none of the user's devices any more; return how many there were."""
    return forget(KnownDevice.objects.filter(user=user))


def forget(devices: QuerySet[KnownDevice]) -> int:
    """Know these devices no more; to be called after their sessions are locked.

    A sign-in under way on one of them comes first or finds it gone.
    """
    locked = devices.order_by("id").select_for_update()
    ids = list(locked.values_list("id", flat=True))
    KnownDevice.objects.filter(id__in=ids).delete()
    return len(ids)


def _digest(user_id: UUID, mark: str) -> bytes:
    return blind_index("accounts.known_device", f"{user_id}:{mark}")


def _add(session: AuthSession, digest: bytes) -> KnownDevice:
    device = KnownDevice.objects.create(user=session.user, digest=digest)
    kept = KnownDevice.objects.filter(user=session.user).order_by("-last_used_at")
    surplus = list(kept.values_list("id", flat=True)[MAX_KNOWN_DEVICES:])
    forget(KnownDevice.objects.filter(id__in=surplus))
    # Who changes his own password goes on in the same browser: nothing to tell.
    if context.current_actor().id != session.user_id:
        _tell(session)
    return device


def _use(device: KnownDevice, session: AuthSession) -> None:
    device.last_used_at = timezone.now()
    device.save(update_fields=["last_used_at"])
    session.known_device = device
    session.save(update_fields=["known_device"])


def _tell(session: AuthSession) -> None:
    address = context.current().ip or "an unknown address"
    record(
        events.NEW_DEVICE,
        target=Target(type="accounts.session", id=str(session.id)),
        subject_id=session.user_id,
    )
    facts = {"device": session.device_name, "address": address}
    notify(session.user, NEW_DEVICE, facts=facts)
