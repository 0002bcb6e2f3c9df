"""Why governed SQL is refused or could not be run."""

from __future__ import annotations


class QueryRefused(Exception):
    """The query says something that is not on the allow list."""


class ColumnRefused(QueryRefused):
    """The query would sort, filter, group or join by a column the reader lacks."""

    def __init__(self, column: str) -> None:
        super().__init__(f"The column “{column}” is not available to you.")


class DefinitionRefused(Exception):
    """The dataset is not soundly declared."""


class SourceUnavailable(Exception):
    """The data source cannot be reached, or refused to answer."""


class SourceTimeout(SourceUnavailable):
    """The statement ran longer than it may."""
