"""The addresses below /o/: consent, tokens, revocation."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import cast
from urllib.parse import urlencode

from django.conf import settings
from django.db import transaction
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseRedirect,
    JsonResponse,
    QueryDict,
)
from django.http.response import HttpResponseBase
from django.shortcuts import render, resolve_url
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_post_parameters
from django.views.generic import View
from oauth2_provider.exceptions import OAuthToolkitError
from oauth2_provider.http import OAuth2ResponseRedirect
from oauth2_provider.views.mixins import OAuthLibMixin
from oauthlib.common import add_params_to_uri

from accounts import events
from accounts.app_scopes import CHAT, SCOPES, in_order
from accounts.constants import GRANT_ABSOLUTE
from accounts.models import OAuthApplication
from accounts.oauth.validator import basic_credentials
from accounts.redirect_uris import form_target_of
from accounts.services import lockout
from accounts.services.oauth import target_of
from auditlog.services import record_refusal
from chatsec.core import context
from chatsec.core.context import current_actor

# After prompt=login there is this long to sign in and come back.
LOGIN_FRESH_SECONDS = 300
# Less than this is never asked for: signing in and coming back takes a while.
JUST_NOW_SECONDS = 30
# Nothing that is sent here has a use for more.
MAX_PARAMETER_LENGTH = 2048
HALF_ENCODED = re.compile(r"%(?![0-9A-Fa-f]{2})")
CARRIED = (
    "client_id",
    "redirect_uri",
    "response_type",
    "state",
    "nonce",
    "code_challenge",
    "code_challenge_method",
)
FORM_FIELDS = frozenset({"decision", "csrfmiddlewaretoken"})
SECRETS = ("client_secret", "code", "code_verifier", "refresh_token", "token")
REFUSALS_WITH_EVIDENCE = frozenset({"invalid_client", "invalid_grant"})


class AuthorizeView(OAuthLibMixin, View):
    """GET and POST /o/authorize: the signed-in person is asked, each time.

    Everything that is agreed to stands in the address, so that the page shows and the
    answer uses the very same, checked both times.
    """

    def get(self, request: HttpRequest) -> HttpResponseBase:
        """Ask the person; send him to sign in first if need be."""
        return self._answer(request)

    def post(self, request: HttpRequest) -> HttpResponseBase:
        """Send the browser back to the app, with a code or with a refusal."""
        return self._answer(request)

    def _answer(self, request: HttpRequest) -> HttpResponseBase:
        if fault := _find_fault(request):
            return _fault_page(request, fault)
        try:
            scopes, asked = self.validate_authorization_request(request)
            if _must_sign_in(request):
                return _to_sign_in(request)
            if request.method == "POST":
                return self._decide(request, in_order(scopes), asked)
        except OAuthToolkitError as refusal:
            return self._refuse(request, refusal)
        return _consent_page(request, asked)

    def _decide(
        self, request: HttpRequest, scopes: tuple[str, ...], asked: dict[str, object]
    ) -> HttpResponseBase:
        uri, _headers, _body, _status = self.create_authorization_response(
            request=request,
            scopes=" ".join(scopes),
            credentials={name: asked.get(name) for name in CARRIED},
            allow=request.POST.get("decision") == "allow",
        )
        return _to_app(uri)

    def _refuse(
        self, request: HttpRequest, refusal: OAuthToolkitError
    ) -> HttpResponseBase:
        """Tell the app; tell the person if the app cannot be trusted to be one."""
        to_app, shown = self.error_response(refusal)
        if not to_app:
            return _fault_page(request, shown["error"].description or "")
        issuer = [("iss", settings.CHATSEC_PUBLIC_URL)]
        return _to_app(add_params_to_uri(shown["url"], issuer))


def _to_app(uri: str) -> HttpResponseBase:
    # The address was compared with the app's own before; its scheme may be private.
    response: HttpResponse = OAuth2ResponseRedirect(uri, [uri.partition(":")[0]])
    return response


def _find_fault(request: HttpRequest) -> str:
    """Return what no app can mean; the library would stumble over some of it."""
    if HALF_ENCODED.search(request.META.get("QUERY_STRING", "")):
        return "The address is not properly encoded."
    if set(request.POST) - FORM_FIELDS:
        return "What is agreed to stands in the address."
    if not request.GET.get("max_age", "0").isdecimal():
        return "max_age is no number of seconds."
    if request.GET.get("response_mode", "query") != "query":
        return "Codes are sent in the query only."
    return _find_fault_in(request.GET) or _find_fault_in(request.POST)


def _find_fault_in(sent: QueryDict) -> str:
    if any(len(values) > 1 for _name, values in sent.lists()):
        return "A parameter is given twice."
    texts = [text for pair in sent.items() for text in pair]
    if any("\x00" in text or len(text) > MAX_PARAMETER_LENGTH for text in texts):
        return "A parameter is too long or has characters that it must not have."
    return ""


def _must_sign_in(request: HttpRequest) -> bool:
    """Whether nobody is signed in, or not as lately as the app wants."""
    actor = current_actor()
    if not request.user.is_authenticated or actor.authenticated_at is None:
        return True
    if "login" in request.GET.get("prompt", "").split():
        return True
    max_age = request.GET.get("max_age")
    if max_age is None or len(max_age) > 9:
        return False
    limit = timedelta(seconds=max(int(max_age), JUST_NOW_SECONDS))
    return timezone.now() - actor.authenticated_at > limit


def _to_sign_in(request: HttpRequest) -> HttpResponseBase:
    """Send the browser to sign in, also if it is signed in, and back here."""
    asked = request.GET.dict()
    prompts = asked.pop("prompt", "").split()
    if "login" in prompts:
        # Back here a sign-in of just now will do, or this went on for ever.
        given = int(asked.get("max_age", LOGIN_FRESH_SECONDS))
        asked["max_age"] = str(min(given, LOGIN_FRESH_SECONDS))
    return HttpResponseRedirect(_sign_in_address(f"{request.path}?{urlencode(asked)}"))


def _sign_in_address(come_back_to: str) -> str:
    """Return where one signs in also if one is signed in, and comes back."""
    query = urlencode({"fresh": "required", "next": come_back_to})
    return f"{resolve_url(settings.LOGIN_URL)}?{query}"


def _consent_page(request: HttpRequest, asked: dict[str, object]) -> HttpResponse:
    application = OAuthApplication.objects.get(client_id=asked["client_id"])
    redirect_uri = cast("str", asked["redirect_uri"])
    scopes = in_order(request.GET.get("scope", "").split())
    shown = {
        "application": application,
        "scopes": [SCOPES[scope] for scope in scopes],
        "may_chat": CHAT in scopes,
        "other_account": _sign_in_address(request.get_full_path()),
        "returns_to": redirect_uri.partition("?")[0],
        "days": GRANT_ABSOLUTE.days,
    }
    page = render(request, "accounts/oauth_consent.html", shown)
    # The form's answer leads to the app: its policy has to allow that, and only that.
    page._csp_update = {"form-action": [form_target_of(redirect_uri)]}  # type: ignore[attr-defined]  # noqa: SLF001 - django-csp's documented way
    return page


def _fault_page(request: HttpRequest, text: str) -> HttpResponse:
    shown = {"text": text}
    return render(request, "accounts/oauth_refused.html", shown, status=400)


@method_decorator(csrf_exempt, name="dispatch")
class FormEndpoint(OAuthLibMixin, View):
    """What an app itself sends, as a form and never with a cookie's authority."""

    http_method_names = ["post"]

    @method_decorator(sensitive_post_parameters(*SECRETS))
    def post(self, request: HttpRequest) -> HttpResponse:
        """Answer in the protocol's JSON; a refusal leaves evidence.

        Too many refusals of one app at one address are TooMany: a problem document
        with `Retry-After`.
        """
        if fault := _find_form_fault(request):
            return _refusal(fault)
        app = _named_app(request)
        ip = context.current().ip
        with lockout.attempt_by_app(app.id if app else None, ip=ip) as attempt:
            answer = self._answered(request)
            attempt.succeeded = answer.status_code == 200
        return answer

    def _answered(self, request: HttpRequest) -> HttpResponse:
        # A replay or a reuse ends a session and is refused: both have to be kept.
        with transaction.atomic():
            headers, body, status = self.answer(request)
        if status != 200:
            _record_refusal(request, body)
        answer = HttpResponse(body, status=status, content_type="application/json")
        for name, value in headers.items():
            answer[name] = value
        answer["Cache-Control"] = "no-store"
        return answer

    def answer(self, request: HttpRequest) -> tuple[dict[str, str], str, int]:
        """Return headers, body and status."""
        raise NotImplementedError


class TokenEndpoint(FormEndpoint):
    """POST /o/token: a code or a refresh token for a pair of tokens."""

    def answer(self, request: HttpRequest) -> tuple[dict[str, str], str, int]:
        """Return what RFC 6749 section 5 says."""
        _url, headers, body, status = self.create_token_response(request)
        return headers, body, status


class RevocationEndpoint(FormEndpoint):
    """POST /o/revoke: the app signs itself out (RFC 7009)."""

    def answer(self, request: HttpRequest) -> tuple[dict[str, str], str, int]:
        """Return what RFC 7009 section 2.2 says."""
        _url, headers, body, status = self.create_revocation_response(request)
        return headers, body or "{}", status


def _find_form_fault(request: HttpRequest) -> str:
    if request.content_type != "application/x-www-form-urlencoded":
        return "The body has to be a form."
    if request.GET:
        return "Parameters belong in the body."
    return _find_fault_in(request.POST)


def _refusal(text: str) -> JsonResponse:
    shown = {"error": "invalid_request", "error_description": text}
    return JsonResponse(shown, status=400, headers={"Cache-Control": "no-store"})


def _named_app(request: HttpRequest) -> OAuthApplication | None:
    """Return the app that header or body name, which the library compares."""
    scheme, _, encoded = request.headers.get("Authorization", "").partition(" ")
    given = basic_credentials(encoded) if scheme == "Basic" else None
    client_id = given[0] if given else request.POST.get("client_id", "")
    found: OAuthApplication | None = OAuthApplication.objects.filter(
        client_id=client_id
    ).first()
    return found


def _record_refusal(request: HttpRequest, body: str) -> None:
    error = json.loads(body).get("error")
    if error not in REFUSALS_WITH_EVIDENCE:
        return
    # An unknown id is not kept: it may be anything that somebody typed.
    application = _named_app(request)
    record_refusal(
        events.APP_REFUSED,
        outcome="denied",
        target=target_of(application) if application else None,
        details={"error": error},
    )
