"""The chat's API: parse, one call, render."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar
from uuid import UUID

from django.http import HttpResponseBase, StreamingHttpResponse
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.errors import InvalidCode
from accounts.services.sign_in import rotate_browser_session
from chat import pipeline
from chat.api.serializers import (
    AnswerSerializer,
    ArticleSerializer,
    CatalogueEntrySerializer,
    ConversationChangeSerializer,
    ConversationSerializer,
    FindSerializer,
    FoundMessageSerializer,
    MessageSerializer,
    QuestionSerializer,
    SearchSerializer,
    StepUpCodeSerializer,
    TitleSerializer,
)
from chat.api.streams import EVENT_STREAM, EventStreamRenderer, stream
from chat.errors import InFlight, KeyReused
from chat.interpretation import looks_like_code
from chat.selectors.catalogue import Entry
from chat.selectors.conversations import (
    get_conversation,
    get_readable_conversation,
    list_conversations,
    list_messages,
    title_of,
    with_readers,
)
from chat.selectors.knowledge import list_articles, search_articles
from chat.services.conversations import (
    delete_conversation,
    start_conversation,
)
from chat.services.limits import RateLimited
from chat.services.sharing import change_conversation, record_reading
from chat.stages.judgement import list_runnable
from chat.stages.reading import ShownMessage, show_messages
from chat.stages.searching import search_messages
from chat.stages.types import Answer
from chatsec.core.api import (
    ANY_CALLER,
    PUBLIC,
    SIGNED_IN,
    ApiView,
    CursorPage,
    paginate,
    problem,
)
from chatsec.core.context import Channel
from chatsec.core.errors import Json
from rbac.api.permissions import actor_of

UNPROCESSABLE = 422


class ChatView(ApiView):
    """Adds to refusals what a client needs to try again."""

    required_permission: ClassVar[str | Mapping[str, str]] = SIGNED_IN

    def handle_exception(self, exc: Exception) -> Response:
        """Return the problem document, with limits and waiting times in its header."""
        if isinstance(exc, KeyReused):
            return self._accepted(problem(UNPROCESSABLE, exc.code, exc.message))
        response = super().handle_exception(exc)
        if isinstance(exc, RateLimited):
            _add_headers(response, exc.usage.headers())
        if isinstance(exc, InFlight):
            response["Retry-After"] = str(exc.retry_after_seconds)
        return response

    def _accepted(self, response: Response) -> Response:
        response.exception = True
        return response


class ConversationsView(ChatView):
    """GET and POST /conversations."""

    required_permission = ANY_CALLER

    @extend_schema(responses=ConversationSerializer(many=True))
    def get(self, request: Request) -> Response:
        """Return the caller's conversations and those shared with him, latest first."""
        return paginate(
            request,
            with_readers(list_conversations(actor_of(request))),
            ordering=("-last_message_at", "-id"),
            serializer=ConversationSerializer,
        )

    @extend_schema(request=TitleSerializer, responses={201: ConversationSerializer})
    def post(self, request: Request) -> Response:
        """Start a conversation."""
        given = TitleSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        started = start_conversation(
            actor_of(request), title=given.validated_data["title"]
        )
        body = ConversationSerializer(started).data
        return Response(body, status=status.HTTP_201_CREATED)


class ConversationView(ChatView):
    """GET, PATCH and DELETE /conversations/{id}."""

    required_permission: ClassVar = {
        "GET": ANY_CALLER,
        "PATCH": SIGNED_IN,
        "DELETE": SIGNED_IN,
    }

    @extend_schema(responses=ConversationSerializer)
    def get(self, request: Request, conversation_id: UUID) -> Response:
        """Return one conversation that the caller may read."""
        found = get_readable_conversation(actor_of(request), conversation_id)
        return Response(ConversationSerializer(found).data)

    @extend_schema(
        request=ConversationChangeSerializer, responses=ConversationSerializer
    )
    def patch(self, request: Request, conversation_id: UUID) -> Response:
        """Change the title, or who may read it; only the owner does."""
        given = ConversationChangeSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        changed = change_conversation(
            actor_of(request), conversation_id=conversation_id, **given.validated_data
        )
        return Response(ConversationSerializer(changed).data)

    @extend_schema(responses={204: None})
    def delete(self, request: Request, conversation_id: UUID) -> Response:
        """Delete the conversation with its messages."""
        delete_conversation(actor_of(request), conversation_id=conversation_id)
        return Response(status=status.HTTP_204_NO_CONTENT)


class ConversationSearchView(ChatView):
    """GET /conversations/search?q=."""

    @extend_schema(
        parameters=[FindSerializer], responses=FoundMessageSerializer(many=True)
    )
    def get(self, request: Request) -> Response:
        """Return the caller's own messages that hold every word, the latest first."""
        given = FindSerializer(data=request.query_params)
        given.is_valid(raise_exception=True)
        actor, words = actor_of(request), given.validated_data["q"]
        found = search_messages(actor, words, now=timezone.now())
        results = [_located(one) for one in found]
        return Response({"results": results, "next": None, "previous": None})


class MessagesView(ChatView):
    """GET and POST /conversations/{id}/messages."""

    required_permission = ANY_CALLER

    renderer_classes = (JSONRenderer, EventStreamRenderer)

    @extend_schema(responses=MessageSerializer(many=True))
    def get(self, request: Request, conversation_id: UUID) -> Response:
        """Return the messages, their figures released again for this reader."""
        actor = actor_of(request)
        conversation = get_readable_conversation(actor, conversation_id)
        page = CursorPage()
        page.ordering = "position"
        found = page.paginate_queryset(list_messages(conversation), request) or []
        record_reading(actor, conversation, found)
        shown = show_messages(actor, conversation, list(found), now=timezone.now())
        return page.get_paginated_response([one.body() for one in shown])

    @extend_schema(request=QuestionSerializer, responses=AnswerSerializer)
    def post(self, request: Request, conversation_id: UUID) -> HttpResponseBase:
        """Answer a question; as events if the client accepts them."""
        given = QuestionSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        actor, text = actor_of(request), given.validated_data["text"]
        try:
            answer = pipeline.answer_message(
                actor,
                get_conversation(actor, conversation_id),
                text,
                idempotency_key=request.headers.get("Idempotency-Key"),
            )
        except InvalidCode as wrong:
            return _wrong_code(wrong)
        if looks_like_code(text):
            rotate_browser_session(request._request)  # noqa: SLF001 - as below
        return _response(request, answer)


class StepUpView(ChatView):
    """POST /conversations/{id}/mfa."""

    renderer_classes = (JSONRenderer, EventStreamRenderer)

    @extend_schema(request=StepUpCodeSerializer, responses=AnswerSerializer)
    def post(self, request: Request, conversation_id: UUID) -> HttpResponseBase:
        """Answer the question that waited for this code."""
        given = StepUpCodeSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        actor = actor_of(request)
        try:
            answer = pipeline.answer_step_up(
                actor,
                get_conversation(actor, conversation_id),
                mfa_session_id=given.validated_data["mfa_session_id"],
                code=given.validated_data["code"],
            )
        except InvalidCode as wrong:
            return _wrong_code(wrong)
        rotate_browser_session(request._request)  # noqa: SLF001 - the cookie is Django's
        return _response(request, answer)


class PublicMessagesView(ChatView):
    """POST /public/messages."""

    required_permission = PUBLIC
    authentication_classes = ()
    renderer_classes = (JSONRenderer, EventStreamRenderer)

    @extend_schema(request=QuestionSerializer, responses=AnswerSerializer, auth=[])
    def post(self, request: Request) -> HttpResponseBase:
        """Answer anybody's question from what is public; nothing of it is kept."""
        given = QuestionSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        anonymous = replace(actor_of(request), channel=Channel.API)
        answer = pipeline.answer_message(anonymous, None, given.validated_data["text"])
        return _response(request, answer)


class CatalogueView(ChatView):
    """GET /catalogue."""

    required_permission = ANY_CALLER

    @extend_schema(responses=CatalogueEntrySerializer(many=True))
    def get(self, request: Request) -> Response:
        """Return the questions that the caller may ask."""
        found = [_described(entry) for entry in list_runnable(actor_of(request))]
        return Response({"results": found, "next": None, "previous": None})


class KnowledgeView(ChatView):
    """GET /knowledge?q=."""

    required_permission = ANY_CALLER

    @extend_schema(
        parameters=[SearchSerializer], responses=ArticleSerializer(many=True)
    )
    def get(self, request: Request) -> Response:
        """Return the articles that the caller may read, the best match first."""
        given = SearchSerializer(data=request.query_params)
        given.is_valid(raise_exception=True)
        actor, words = actor_of(request), given.validated_data["q"]
        found = search_articles(actor, words) if words.strip() else list_articles(actor)
        articles = ArticleSerializer(found, many=True).data
        return Response({"results": articles, "next": None, "previous": None})


def _described(entry: Entry) -> dict[str, object]:
    return dict(CatalogueEntrySerializer(entry.query).data)


def _located(found: ShownMessage) -> dict[str, Json]:
    conversation = found.message.conversation
    where: dict[str, Json] = {
        "conversation_id": str(conversation.id),
        "conversation_title": title_of(conversation),
    }
    return {**where, **found.body()}


def _wrong_code(wrong: InvalidCode) -> Response:
    """Return the agreed body; its `status` is a word, so it is no problem document."""
    body = {"status": "error", "message": wrong.message, "code": wrong.code}
    return Response(body)


def _response(request: Request, answer: Answer) -> HttpResponseBase:
    response: Response | StreamingHttpResponse
    if request.accepted_renderer.media_type == EVENT_STREAM:
        response = stream(answer)
    else:
        response = Response(answer.body())
    if answer.usage is not None:
        _add_headers(response, answer.usage.headers())
    return response


def _add_headers(response: HttpResponseBase, headers: dict[str, str]) -> None:
    for name, value in headers.items():
        response[name] = value
