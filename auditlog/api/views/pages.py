"""One page of rows by cursor."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, TypeVar

from django.core.exceptions import ValidationError
from django.db.models import Model, QuerySet
from django.http import QueryDict
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer, Serializer
from rest_framework.utils.urls import replace_query_param

from chatsec.core.api import CursorPage, paginate
from chatsec.core.errors import Invalid

VIEW_AUDIT = "view_audit"
PAGE_SIZE, MAX_PAGE_SIZE = CursorPage.page_size, CursorPage.max_page_size
MAX_NAME: Final = 50
ModelT = TypeVar("ModelT", bound=Model)


def asked(words: QueryDict, query: type[Serializer[Any]]) -> dict[str, str]:
    """Return the parameters of a request; raise Invalid for one that `query` has not.

    A word that was passed over would find, or take out, more than was asked for. So
    would the one of two that was not read.
    """
    known = query().fields
    refused = {
        name[:MAX_NAME]: ["Given more than once." if name in known else "Unknown."]
        for name, values in words.lists()
        if name not in known or len(values) > 1
    }
    if refused:
        raise Invalid("Some fields are not valid.", fields=refused)
    return {name: str(words[name]) for name in words}


def page(
    request: Request,
    rows: QuerySet[ModelT],
    serializer: type[BaseSerializer[ModelT]],
    *,
    key: str,
) -> Response:
    """Return one page; a forged cursor is Invalid."""
    try:
        return paginate(request, rows, ordering=(f"-{key}",), serializer=serializer)
    except ValidationError as error:
        # A forged cursor holds something else than an id.
        raise Invalid(
            "Some fields are not valid.", fields={"cursor": ["Not a cursor."]}
        ) from error


def page_size(words: Mapping[str, str]) -> int:
    """Return the page size asked for, as every list takes it."""
    try:
        return min(max(int(words.get("page_size", PAGE_SIZE)), 1), MAX_PAGE_SIZE)
    except ValueError:
        return PAGE_SIZE


def page_link(request: Request, cursor: str) -> str | None:
    """Return the address of the page that the cursor stands for, if there is one."""
    if not cursor:
        return None
    address = request.build_absolute_uri()
    return replace_query_param(address, "cursor", cursor)
