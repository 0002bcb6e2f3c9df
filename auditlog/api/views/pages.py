"""One page of rows by cursor."""

from __future__ import annotations

from typing import TypeVar

from django.core.exceptions import ValidationError
from django.db.models import Model, QuerySet
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer

from chatsec.core.api import paginate
from chatsec.core.errors import Invalid

VIEW_AUDIT = "view_audit"
ModelT = TypeVar("ModelT", bound=Model)


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
