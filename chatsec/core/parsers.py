"""Strict JSON into the API.

Apart from `chatsec.core.api`, because REST framework imports what settings name while
it loads its own views, and that module needs those views.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import IO, Any

from django.core.exceptions import RequestDataTooBig
from rest_framework import exceptions
from rest_framework.parsers import BaseParser

from chatsec.core import strict_json


class TooLarge(exceptions.APIException):
    """The body is over 256 KB."""

    status_code = 413
    default_detail = "The body is larger than 256 KB."
    default_code = "too_large"


class StrictJSONParser(BaseParser):
    """Parses application/json by `strict_json`; refuses more than 256 KB."""

    media_type = "application/json"

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        """Return the value; 413 or 400 `malformed_json` otherwise."""
        try:
            raw = stream.read(strict_json.MAX_BYTES + 1)
        except RequestDataTooBig as error:
            raise TooLarge from error
        if len(raw) > strict_json.MAX_BYTES:
            raise TooLarge
        try:
            return strict_json.loads(raw)
        except strict_json.MalformedJson as error:
            raise exceptions.ParseError(str(error), code="malformed_json") from error
