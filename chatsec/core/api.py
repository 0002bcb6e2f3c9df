"""The API's manners: strict JSON in, problem+json out (RFC 9457), cursor pages."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, ClassVar, TypeVar

from django.conf import settings
from django.core.exceptions import (
    PermissionDenied,
    RequestDataTooBig,
    ValidationError,
)
from django.db import DataError
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, JsonResponse
from rest_framework import exceptions, status
from rest_framework.authentication import SessionAuthentication
from rest_framework.pagination import CursorPagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer
from rest_framework.views import APIView

from chatsec.core import context
from chatsec.core.errors import (
    Conflict,
    Denied,
    DomainError,
    Invalid,
    Json,
    NotFound,
    StepUpRequired,
    TooMany,
    Unauthenticated,
    Unavailable,
)
from chatsec.core.evidence import note_denial, note_fault
from chatsec.core.outage import is_out_of_reach
from chatsec.core.parsers import TooLarge

logger = logging.getLogger(__name__)
ModelT = TypeVar("ModelT", bound=Model)

PUBLIC = "public"
SIGNED_IN = "signed-in"
# As SIGNED_IN, and open to API keys and connected apps too: within their scopes.
ANY_CALLER = "any-caller"
PROBLEM_JSON = "application/problem+json"
LOGIN_MESSAGE = "Please log in to use the chatbot"
OUTAGE_MESSAGE = "The database cannot be reached. Please try again in a moment."

STATUS_OF: Mapping[type[DomainError], int] = {
    Invalid: 400,
    Unauthenticated: 401,
    Denied: 403,
    StepUpRequired: 403,
    NotFound: 404,
    Conflict: 409,
    TooMany: 429,
    Unavailable: 503,
}
TITLES = {
    400: "The request is not valid",
    401: "Not signed in",
    403: "Not allowed",
    404: "Not found",
    405: "Method not allowed",
    406: "Not acceptable",
    409: "Conflict",
    413: "Too large",
    415: "Unsupported media type",
    422: "The request cannot be carried out",
    429: "Too many requests",
    500: "Internal error",
    503: "Unavailable",
}


class CursorPage(CursorPagination):
    """Pages of `{"results", "next", "previous"}`, at most 200 rows each."""

    page_size = 50
    page_size_query_param = "page_size"
    max_page_size = 200
    ordering = "-created_at"

    def paginate_queryset(
        self, queryset: Any, request: Request, view: APIView | None = None
    ) -> list[Any] | None:
        """Return the page; a forged cursor is refused, whatever it holds."""
        try:
            return super().paginate_queryset(queryset, request, view)
        except (DataError, ValidationError, ValueError) as error:
            # Its position is no value of the field that orders the rows.
            fields = {"cursor": ["Not a cursor."]}
            raise Invalid("Some fields are not valid.", fields=fields) from error

    def get_paginated_response(self, data: Any) -> Response:
        """Return the page in the shape that clients rely on."""
        links = {"next": self.get_next_link(), "previous": self.get_previous_link()}
        return Response({"results": data, **links})

    def get_paginated_response_schema(self, schema: Any) -> dict[str, Any]:
        """Return how the document tells of a page; the last one has no next."""
        link = {"type": ["string", "null"], "format": "uri"}
        return {
            "type": "object",
            "required": ["results", "next", "previous"],
            "properties": {
                "results": schema,
                "next": {**link, "description": "The page after this one."},
                "previous": {**link, "description": "The page before this one."},
            },
        }


class ApiView(APIView):
    """A view that says who may call it, by method or for all of them.

    `required_permission` is a permission code, PUBLIC, SIGNED_IN or ANY_CALLER; system
    check rbac.E001 fails the start when a view names none.
    """

    required_permission: ClassVar[str | Mapping[str, str]]
    # Methods that clients call by themselves: they do not keep a session alive.
    polled_methods: ClassVar[tuple[str, ...]] = ()
    # What a connected app must have been allowed besides, all of it (ANY_CALLER only).
    app_scopes: ClassVar[tuple[str, ...]] = ("chat",)
    # What lists come in: `paginate` makes the pages, the document tells of them.
    pagination_class: ClassVar[type[CursorPage]] = CursorPage

    def perform_authentication(self, request: Request) -> None:
        """Ask for the CSRF token also where the cookie that came is not looked at.

        Then no route has to be left out when somebody asks whether another site can
        make a signed-in browser write.
        """
        super().perform_authentication(request)
        if (
            not request.authenticators
            and settings.SESSION_COOKIE_NAME in request.COOKIES
        ):
            SessionAuthentication().enforce_csrf(request)

    def check_permissions(self, request: Request) -> None:
        """Answer 405 to a method that nobody has, whoever asks."""
        if str(request.method) not in self.allowed_methods:
            raise exceptions.MethodNotAllowed(str(request.method))
        super().check_permissions(request)


def paginate(
    request: Request,
    rows: QuerySet[ModelT],
    *,
    ordering: tuple[str, ...],
    serializer: type[BaseSerializer[ModelT]],
) -> Response:
    """Return one page of `rows`; the last field of `ordering` must be unique."""
    page = CursorPage()
    page.ordering = ordering  # type: ignore[assignment]  # the stub knows one name only
    found = page.paginate_queryset(rows, request)
    return page.get_paginated_response(
        serializer(found or [], many=True).data  # type: ignore[arg-type]  # many=True takes a list
    )


def problem_handler(error: Exception, where: Mapping[str, Any]) -> Response:
    """Return the problem document for any exception of an API view."""
    problem = _problem_of(note_denial(error))
    if problem.status_code >= status.HTTP_500_INTERNAL_SERVER_ERROR:
        logger.error("request failed", exc_info=error)
        # Where the database is gone, so is the place of evidence: do not wait again.
        if not is_out_of_reach(error):
            note_fault(error)
    return problem


def _problem_of(error: Exception) -> Response:
    match error:
        case DomainError():
            return _of_domain(error)
        case Http404():
            return _of_domain(NotFound("There is nothing here that you may see."))
        case PermissionDenied():
            return _of_domain(Denied("You may not do this."))
        case exceptions.APIException():
            return _of_framework(error)
        case RequestDataTooBig():
            return _of_framework(TooLarge())
        case _:
            return _of_fault(error)


def _of_fault(error: Exception) -> Response:
    if is_out_of_reach(error):
        return _of_domain(Unavailable(OUTAGE_MESSAGE))
    return problem(500, "internal_error", "Something went wrong on our side.")


def status_of(error: DomainError) -> int:
    """Return the HTTP status that words this refusal."""
    return next((c for kind, c in STATUS_OF.items() if isinstance(error, kind)), 400)


def _of_domain(error: DomainError) -> Response:
    found = problem(
        status_of(error),
        error.code,
        error.message,
        errors=error.fields,
        extra=error.extra,
    )
    if isinstance(error, TooMany):
        found["Retry-After"] = str(error.retry_after_seconds)
    if isinstance(error, Unauthenticated):
        found["WWW-Authenticate"] = "Bearer"
    return found


def _of_framework(error: exceptions.APIException) -> Response:
    if isinstance(error, exceptions.ValidationError):
        return problem(
            400, "invalid", "Some fields are not valid.", errors=_fields(error.detail)
        )
    if isinstance(error, exceptions.NotAuthenticated):
        return _of_domain(Unauthenticated(LOGIN_MESSAGE))
    code = str(getattr(error.detail, "code", error.default_code))
    found = problem(error.status_code, code, str(error.detail))
    if header := getattr(error, "auth_header", None):
        found["WWW-Authenticate"] = header
    if wait := getattr(error, "wait", None):
        found["Retry-After"] = str(int(wait) + 1)
    return found


def _fields(detail: Any) -> dict[str, list[str]]:
    if not isinstance(detail, dict):
        return {"non_field_errors": [str(item) for item in detail]}
    return {
        str(name): [
            str(item) for item in (items if isinstance(items, list) else [items])
        ]
        for name, items in detail.items()
    }


def problem(
    status_code: int,
    code: str,
    detail: str,
    *,
    errors: Mapping[str, list[str]] | None = None,
    extra: Mapping[str, Json] | None = None,
) -> Response:
    """Return a problem document (RFC 9457) with `code` and `request_id`."""
    body = _body(status_code, code, detail, errors, extra)
    return Response(body, status=status_code, content_type=PROBLEM_JSON)


def plain_problem(
    status_code: int,
    code: str,
    detail: str,
    *,
    extra: Mapping[str, Json] | None = None,
) -> JsonResponse:
    """Return the same document outside of an API view."""
    body = _body(status_code, code, detail, None, extra)
    return JsonResponse(body, status=status_code, content_type=PROBLEM_JSON)


def _body(
    status_code: int,
    code: str,
    detail: str,
    errors: Mapping[str, list[str]] | None,
    extra: Mapping[str, Json] | None,
) -> dict[str, Json]:
    body: dict[str, Json] = {
        **(extra or {}),
        "type": f"urn:chatsec:problem:{code}",
        "title": TITLES.get(status_code, "Error"),
        "status": status_code,
        "detail": detail,
        "code": code,
        "request_id": context.current().request_id,
    }
    if errors:
        body["errors"] = {name: list(items) for name, items in errors.items()}
    return body


def wants_json(request: HttpRequest) -> bool:
    """Whether the caller is a program: API paths always answer problem+json."""
    prefixes = ("/api/", "/v1/", "/channels/", "/o/", "/.well-known/")
    return request.path.startswith(prefixes)
