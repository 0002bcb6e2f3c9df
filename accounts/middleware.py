"""Who acts in a browser's request, decided anew for each one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from urllib.parse import urlencode

from django.conf import settings
from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, resolve_url
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from accounts.constants import DEVICE_LIFE
from accounts.errors import ProofNeeded
from accounts.models import AuthSession
from accounts.polling import counts_as_use
from accounts.required_factors import refusal_of
from accounts.selectors import actor_for_session, signs_in
from accounts.services import known_devices
from accounts.services.sessions import touch_session
from accounts.session_keys import PRIVILEGES_KEY
from chatsec.core.api import plain_problem, status_of, wants_json
from chatsec.core.context import ANONYMOUS, Actor, Channel, set_actor, set_devices

ADMIN_PATH = "/admin/"
API_PATH = "/api/"


class SessionActorMiddleware:
    """Names the actor from the session's row: one query for cookie, device and user.

    A session that was revoked, is too old, or belongs to a closed account is emptied
    on the spot, in whatever process the request arrives.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Serve the request as its session's user, or as nobody."""
        actor = _actor_of(request)
        request.actor = actor  # type: ignore[attr-defined]
        set_actor(actor)
        cookie = request.COOKIES.get(settings.CHATSEC_DEVICE_COOKIE, "")
        set_devices(known_devices.read_cookie(cookie))
        response = self.get_response(request)
        _send_device_cookie(request, response)
        return response

    def process_view(self, request: HttpRequest, *_view: object) -> None:
        """Note that the session was used, now that it is known for what."""
        session: AuthSession | None = getattr(request.session, "auth_session", None)
        # Emptied just above when the session is over.
        if session is None or SESSION_KEY not in request.session:
            return
        if counts_as_use(request):
            touch_session(session, now=timezone.now())


def _send_device_cookie(request: HttpRequest, response: HttpResponseBase) -> None:
    marks = request.META.get(known_devices.MARKS_KEY)
    if marks:
        response.set_cookie(
            settings.CHATSEC_DEVICE_COOKIE,
            known_devices.write_cookie(marks),
            max_age=DEVICE_LIFE,
            secure=settings.SESSION_COOKIE_SECURE,
            httponly=True,
            samesite="Lax",
        )


def _actor_of(request: HttpRequest) -> Actor:
    nobody = replace(ANONYMOUS, channel=_channel_of(request, api=Channel.API))
    if SESSION_KEY not in request.session:
        return nobody
    session: AuthSession | None = getattr(request.session, "auth_session", None)
    now = timezone.now()
    if (
        session is None
        or not _is_good(request, session)
        or not signs_in(session, now=now)
    ):
        request.session.flush()
        request._cached_user = AnonymousUser()  # type: ignore[attr-defined]  # noqa: SLF001 - where Django's own middleware looks first
        return nobody
    request._cached_user = session.user  # type: ignore[attr-defined]  # noqa: SLF001 - saves the second query
    _rotate_with_privileges(request)
    return actor_for_session(session, _channel_of(request, api=Channel.WEB))


def _rotate_with_privileges(request: HttpRequest) -> None:
    """Give the browser a new cookie once its person was given or lost a role.

    A cookie that somebody learned before does not grow with its owner (OWASP). Only
    where a page is loaded: parallel requests of a script would meet the old cookie.
    """
    privileges = getattr(request.session, "privileges", "")
    is_same = request.session.get(PRIVILEGES_KEY) == privileges
    if is_same or not _loads_a_page(request):
        return
    request.session.cycle_key()
    request.session[PRIVILEGES_KEY] = privileges


def _loads_a_page(request: HttpRequest) -> bool:
    mode = request.headers.get("Sec-Fetch-Mode", "navigate")
    is_api = request.path.startswith(API_PATH)
    return request.method == "GET" and mode == "navigate" and not is_api


def _channel_of(request: HttpRequest, *, api: Channel) -> Channel:
    """Return where the request came in; the web page calls the API by its cookie."""
    if request.path.startswith(ADMIN_PATH):
        return Channel.ADMIN
    return api if request.path.startswith(API_PATH) else Channel.WEB


def _is_good(request: HttpRequest, session: AuthSession) -> bool:
    """Whether cookie and row name the same user, whose password is the same still."""
    return request.session[SESSION_KEY] == str(
        session.user_id
    ) and constant_time_compare(
        request.session.get(HASH_SESSION_KEY, ""),
        session.user.get_session_auth_hash(),
    )


class RequiredFactorMiddleware:
    """Lets whose role asks for a second factor go nowhere before one is shown.

    Comes after the middleware that holds the policy's stamp: no query of its own.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Serve the request."""
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, *_view: object
    ) -> HttpResponseBase | None:
        """Send a browser to where a factor is shown or set up; refuse a program."""
        session: AuthSession | None = getattr(request.session, "auth_session", None)
        if session is None or SESSION_KEY not in request.session:
            return None
        refusal = refusal_of(request, session)
        if refusal is None:
            return None
        if wants_json(request):
            return plain_problem(
                status_of(refusal), refusal.code, refusal.message, extra=refusal.extra
            )
        if isinstance(refusal, ProofNeeded):
            query = urlencode({"next": request.get_full_path()})
            return redirect(f"{resolve_url('account-confirm')}?{query}")
        return redirect("account-factor-required")
