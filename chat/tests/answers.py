"""What an answer shows, and what evidence it leaves."""

from auditlog.selectors import describe, list_events
from chat.stages.types import Answer


def column(answer: Answer, name: str):
    """Return the values of the column, row by row."""
    place = answer.columns.index(name)
    return [row[place] for row in answer.rows]


def events(name: str):
    """Return the events of the type as they are described."""
    return [describe(event) for event in list_events(event_type=name)]
