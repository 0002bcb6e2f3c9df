"""The chat's pages; they work without JavaScript and are quicker with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeGuard
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from accounts.services.sign_in import rotate_browser_session
from chat import pipeline
from chat.constants import MAX_MESSAGE_LENGTH
from chat.interpretation import looks_like_code
from chat.models import Conversation, Message, MessageRole, PendingKind
from chat.selectors.conversations import (
    get_conversation,
    get_readable_conversation,
    list_conversations,
    list_messages,
    list_readers,
    title_of,
)
from chat.selectors.knowledge import list_articles
from chat.selectors.pending import find_open_question
from chat.services.conversations import delete_conversation, start_conversation
from chat.services.sharing import record_reading, share_conversation
from chat.stages.offering import list_suggestions
from chat.stages.reading import ShownMessage, show_messages
from chatsec.core.context import ANONYMOUS, Actor, Channel, current_actor
from chatsec.core.errors import (
    Conflict,
    DomainError,
    Invalid,
    Json,
    JsonScalar,
    NotFound,
    TooMany,
    Unavailable,
)

LATEST_CONVERSATIONS: Final = 50
LATEST_MESSAGES: Final = 100
LONG_CELL: Final = 32
# Numbers that name something: no separators in them.
COUNTED_ONCE: Final = frozenset({"year", "quarter", "month"})
Shown = dict[str, object]


@dataclass(frozen=True)
class Listed:
    """A conversation in the list beside the chat."""

    id: UUID
    title: str
    is_current: object


@dataclass(frozen=True)
class Cell:
    """A cell of a table, and how it is set."""

    text: str
    kind: str = ""


def _column(name: str, values: Sequence[JsonScalar]) -> list[Cell]:
    """Return a column under its label; figures of one column have the same places."""
    label, numbers = name.replace("_", " "), [one for one in values if _is_number(one)]
    if not numbers:
        return [Cell(label), *map(_worded, values)]
    if name in COUNTED_ONCE or name.endswith("_id"):
        set_cells = ["" if one is None else str(one) for one in values]
    else:
        places = 2 if any(one != round(one) for one in numbers) else 0
        set_cells = [
            f"{one:,.{places}f}" if _is_number(one) else str(one or "")
            for one in values
        ]
    return [Cell(label, "number"), *(Cell(text, "number") for text in set_cells)]


def _is_number(value: JsonScalar) -> TypeGuard[int | float]:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _worded(value: JsonScalar) -> Cell:
    text = "" if value is None else str(value)
    return Cell(text, "long" if len(text) > LONG_CELL else "")


@login_required
@require_http_methods(["GET", "POST"])
def chat_page(request: HttpRequest) -> HttpResponse:
    """Show an empty chat; the first question starts a conversation."""
    actor = current_actor()
    if request.method == "GET":
        return _page(request, actor, None)
    text = request.POST.get("text", "")
    conversation = start_conversation(actor)
    return _asked(request, actor, conversation, text)


@login_required
@require_http_methods(["GET", "POST"])
def conversation_page(request: HttpRequest, conversation_id: UUID) -> HttpResponse:
    """Show one's own conversation or a shared one; ask in one's own only."""
    actor = current_actor()
    if request.method == "GET":
        return _page(request, actor, _readable(actor, conversation_id))
    conversation = _own(actor, conversation_id)
    return _asked(request, actor, conversation, request.POST.get("text", ""))


@login_required
@require_POST
def code_page(request: HttpRequest, conversation_id: UUID) -> HttpResponse:
    """Take the code that the pending question waits for."""
    actor = current_actor()
    conversation = _own(actor, conversation_id)
    try:
        challenge_id = UUID(request.POST.get("mfa_session_id", ""))
    except ValueError:
        messages.error(request, "This verification is over. Please ask again.")
        return redirect("conversation", conversation_id=conversation.id)
    try:
        pipeline.answer_step_up(
            actor,
            conversation,
            mfa_session_id=challenge_id,
            code=request.POST.get("code", "").strip()[:32],
        )
        rotate_browser_session(request)
    except DomainError as refusal:
        messages.error(request, refusal.message)
    return redirect("conversation", conversation_id=conversation.id)


@login_required
@require_POST
def delete_page(request: HttpRequest, conversation_id: UUID) -> HttpResponse:
    """Delete a conversation of one's own."""
    actor = current_actor()
    conversation = _own(actor, conversation_id)
    try:
        delete_conversation(actor, conversation_id=conversation.id)
    except Conflict as refusal:
        messages.error(request, refusal.message)
        return redirect("conversation", conversation_id=conversation.id)
    messages.success(request, "The conversation is deleted.")
    return redirect("chat")


@login_required
@require_POST
def share_page(request: HttpRequest, conversation_id: UUID) -> HttpResponse:
    """Let exactly the named colleagues read a conversation of one's own."""
    actor = current_actor()
    conversation = _own(actor, conversation_id)
    names = request.POST.get("shared_with", "").replace(",", " ").split()
    try:
        share_conversation(actor, conversation_id=conversation.id, usernames=names)
        messages.success(request, "Saved who may read this conversation.")
    except Invalid as refusal:
        problems = refusal.fields.get("shared_with", [refusal.message])
        messages.error(request, " ".join(problems))
    return redirect("conversation", conversation_id=conversation.id)


@require_http_methods(["GET", "POST"])
def faq_page(request: HttpRequest) -> HttpResponse:
    """Answer anybody's question from what is public."""
    shown: Shown = {"articles": list_articles(ANONYMOUS), "limit": MAX_MESSAGE_LENGTH}
    if request.method == "GET":
        return render(request, "chat/faq.html", shown)
    text = request.POST.get("text", "")
    try:
        # Here everybody asks as nobody, signed in or not.
        asker = replace(ANONYMOUS, channel=Channel.WEB)
        answer = pipeline.answer_message(asker, None, text)
    except DomainError as refusal:
        return _refused(request, "chat/faq.html", shown, refusal)
    answered = {**shown, "question": text, "answer": answer}
    return render(request, "chat/faq.html", answered)


def _own(actor: Actor, conversation_id: UUID) -> Conversation:
    try:
        return get_conversation(actor, conversation_id)
    except NotFound as error:
        raise Http404 from error


def _readable(actor: Actor, conversation_id: UUID) -> Conversation:
    try:
        return get_readable_conversation(actor, conversation_id)
    except NotFound as error:
        raise Http404 from error


def _asked(
    request: HttpRequest, actor: Actor, conversation: Conversation, text: str
) -> HttpResponse:
    """Answer, then let the browser load the page: a reload must not ask again."""
    is_code = looks_like_code(text)
    try:
        pipeline.answer_message(actor, conversation, text)
    except DomainError as refusal:
        shown = {**_shown(actor, conversation), "text": "" if is_code else text}
        return _refused(request, "chat/chat.html", shown, refusal)
    if is_code:
        rotate_browser_session(request)
    return redirect("conversation", conversation_id=conversation.id)


def _refused(
    request: HttpRequest, template: str, shown: Shown, refusal: DomainError
) -> HttpResponse:
    status = 400
    if isinstance(refusal, TooMany):
        status = 429
    if isinstance(refusal, Unavailable):
        status = 503
    page = render(request, template, {**shown, "error": refusal.message}, status=status)
    if isinstance(refusal, TooMany):
        page["Retry-After"] = str(refusal.retry_after_seconds)
    return page


def _page(
    request: HttpRequest, actor: Actor, conversation: Conversation | None
) -> HttpResponse:
    return render(request, "chat/chat.html", _shown(actor, conversation))


def _shown(actor: Actor, conversation: Conversation | None) -> Shown:
    listed = [
        Listed(one.id, title_of(one) or "New conversation", one == conversation)
        for one in list_conversations(actor)[:LATEST_CONVERSATIONS]
    ]
    shown: Shown = {"conversations": listed, "limit": MAX_MESSAGE_LENGTH}
    if conversation is None:
        return {**shown, "suggestions": list_suggestions(actor)}
    waiting = find_open_question(actor, conversation, now=timezone.now())
    if waiting is not None and waiting.kind == PendingKind.STEP_UP:
        shown["mfa_session_id"] = waiting.challenge_id
    latest = list_messages(conversation).order_by("-position")[:LATEST_MESSAGES]
    found: list[Message] = list(latest)[::-1]
    record_reading(actor, conversation, found)
    seen = show_messages(actor, conversation, found, now=timezone.now())
    is_own = conversation.owner_id == actor.id
    return {
        **shown,
        "conversation": conversation,
        "is_shared": not is_own,
        "readers": list_readers(conversation) if is_own else [],
        "messages_shown": [_said(one) for one in seen],
    }


def _said(shown: ShownMessage) -> Shown:
    body = shown.body()
    columns = [
        _column(name, [row[place] for row in shown.rows])
        for place, name in enumerate(shown.columns)
    ]
    return {
        **body,
        "is_user": shown.message.role == MessageRole.USER,
        "labels": [column[0] for column in columns],
        "cells": list(zip(*(column[1:] for column in columns), strict=True)),
        "reasons": _reasons(body.get("decision")),
        "at": shown.message.created_at,
    }


def _reasons(decision: Json) -> list[str]:
    found = decision.get("reasons") if isinstance(decision, dict) else None
    if not isinstance(found, list):
        return []
    return [str(one.get("text", "")) for one in found if isinstance(one, dict)]
