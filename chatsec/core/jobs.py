"""Work for later: a hint to the workers, after the commit, that may get lost.

The row that says what is to be done is the truth; beat finds what nobody was told of.
"""

from __future__ import annotations

import logging

from django.conf import settings
from django.db import transaction
from django.utils.module_loading import import_string

from chatsec.core.errors import Json

logger = logging.getLogger(__name__)


def enqueue(task: str, *arguments: Json) -> None:
    """Tell a worker of the task once this transaction is committed.

    Without a broker nothing is raised: sign-in, say, works on, and beat comes later.
    """
    transaction.on_commit(lambda: _send(task, arguments), robust=True)


def _send(task: str, arguments: tuple[Json, ...]) -> None:
    try:
        import_string(settings.CHATSEC_TASK_SENDER)(task, arguments)
    except OSError as error:
        logger.warning("no worker was told of %s (%s)", task, type(error).__name__)
