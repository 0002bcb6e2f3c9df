"""The demo catalogue over a small business database, and turns of the cast."""

from collections.abc import Callable
from typing import Any

import pytest

from accounts.models import User
from accounts.selectors import actor_for_session
from accounts.tests.factories import make_session
from chat.models import Conversation
from chat.pipeline import answer_message
from chat.services.conversations import start_conversation
from chat.stages.types import Answer
from chat.tests.factories import publish_demo_catalogue
from chatsec.core import context
from chatsec.core.context import Actor, Channel


@pytest.fixture
def catalogue(db: None, business: str) -> None:
    """Publish the demo catalogue."""
    publish_demo_catalogue(business)


@pytest.fixture
def acting(db: None) -> Callable[..., Actor]:
    """Return a maker of actors: a person with a session of his own."""

    def actor_of(user: User, *, stepped_up: bool = False) -> Actor:
        session = make_session(user, stepped_up=stepped_up)
        actor = actor_for_session(session, Channel.API)
        context.set_actor(actor)
        return actor

    return actor_of


@pytest.fixture
def conversation_of(db: None) -> Callable[[Actor], Conversation]:
    """Return a maker of conversations."""
    return start_conversation


@pytest.fixture
def ask(catalogue: None, acting: Callable[..., Actor]) -> Callable[..., Answer]:
    """Return how to ask as somebody, in a conversation of its own."""

    def asked(user: User, text: str, **options: Any) -> Answer:
        actor = acting(user, stepped_up=bool(options.pop("stepped_up", False)))
        return answer_message(actor, start_conversation(actor), text, **options)

    return asked
