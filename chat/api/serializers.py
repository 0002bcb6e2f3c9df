"""What the chat's API takes and gives."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from chat.constants import MAX_TITLE_LENGTH
from chat.models import Conversation
from chat.selectors.conversations import list_readers, title_of
from chat.services.sharing import MAX_READERS
from chatsec.core.context import current_actor


class ConversationSerializer(serializers.ModelSerializer[Conversation]):
    """A conversation of the caller's own, or one that is shared with him."""

    title = serializers.SerializerMethodField()
    owner = serializers.CharField(source="owner.username", read_only=True)
    shared_with = serializers.SerializerMethodField()

    class Meta:
        model = Conversation
        fields = (
            "id",
            "title",
            "owner",
            "shared_with",
            "created_at",
            "last_message_at",
            "message_count",
            "delete_on",
        )

    def get_title(self, conversation: Conversation) -> str:
        """Return the opened title."""
        return title_of(conversation)

    def get_shared_with(self, conversation: Conversation) -> list[str]:
        """Return who may read it besides the owner, whom alone this concerns."""
        if conversation.owner_id != current_actor().id:
            return []
        return [one.username for one in list_readers(conversation)]


class TitleSerializer(serializers.Serializer[Any]):
    """The title of a conversation."""

    title = serializers.CharField(
        required=False, allow_blank=True, default="", max_length=MAX_TITLE_LENGTH
    )


class ConversationChangeSerializer(serializers.Serializer[Any]):
    """What of a conversation is to be another; what is not named stays as it is."""

    title = serializers.CharField(
        required=False, allow_blank=True, max_length=MAX_TITLE_LENGTH
    )
    shared_with = serializers.ListField(
        child=serializers.CharField(max_length=150),
        required=False,
        max_length=MAX_READERS,
        help_text="User names of exactly those colleagues who may read it.",
    )


class QuestionSerializer(serializers.Serializer[Any]):
    """A question; its length is checked where every channel's is."""

    text = serializers.CharField(allow_blank=True, trim_whitespace=False)


class StepUpCodeSerializer(serializers.Serializer[Any]):
    """The code that a pending question waits for."""

    mfa_session_id = serializers.UUIDField()
    code = serializers.CharField(max_length=32)


class SearchSerializer(serializers.Serializer[Any]):
    """What to look for."""

    q = serializers.CharField(max_length=200, default="", allow_blank=True)


class FindSerializer(serializers.Serializer[Any]):
    """The words that a message must hold, all of them."""

    q = serializers.CharField(min_length=2, max_length=200)


class OptionSerializer(serializers.Serializer[Any]):
    """One thing that may have been meant: a query, or a value of a slot."""

    text = serializers.CharField()
    query = serializers.CharField(required=False)
    title = serializers.CharField(required=False)
    slot = serializers.CharField(required=False)
    value = serializers.JSONField(required=False)


class AnswerSerializer(serializers.Serializer[Any]):
    """An answer; which of the later fields there are depends on `status`."""

    id = serializers.UUIDField()
    status = serializers.ChoiceField(
        choices=[
            "answered",
            "denied",
            "mfa_required",
            "consent_required",
            "clarify",
            "out_of_scope",
            "blocked",
            "error",
        ]
    )
    message = serializers.CharField()
    query = serializers.CharField(allow_null=True)
    slots = serializers.DictField()
    columns = serializers.ListField(child=serializers.CharField())
    rows = serializers.ListField(child=serializers.ListField())
    decision = serializers.DictField(allow_null=True)
    redactions = serializers.ListField(child=serializers.DictField())
    conversation_id = serializers.UUIDField(allow_null=True)
    created_at = serializers.DateTimeField()
    error = serializers.CharField(required=False)
    required = serializers.CharField(  # type: ignore[assignment]  # the field's name
        required=False
    )
    mfa_session_id = serializers.UUIDField(required=False)
    purpose = serializers.CharField(required=False)
    options = OptionSerializer(many=True, required=False)


class MessageSerializer(serializers.Serializer[Any]):
    """A kept message; `withheld` where figures are no longer shown."""

    id = serializers.UUIDField()
    role = serializers.ChoiceField(choices=["user", "assistant"])
    text = serializers.CharField()
    created_at = serializers.DateTimeField()
    status = serializers.CharField(required=False)
    query = serializers.CharField(required=False, allow_null=True)
    columns = serializers.ListField(child=serializers.CharField(), required=False)
    rows = serializers.ListField(child=serializers.ListField(), required=False)
    withheld = serializers.BooleanField(required=False)


class FoundMessageSerializer(MessageSerializer):
    """A message that was found, and where."""

    conversation_id = serializers.UUIDField()
    conversation_title = serializers.CharField()


class CatalogueEntrySerializer(serializers.Serializer[Any]):
    """A question that the caller may ask."""

    key = serializers.CharField()
    title = serializers.CharField()
    examples = serializers.ListField(child=serializers.CharField())
    parameters = serializers.DictField()
    permission = serializers.CharField()
    requires_mfa = serializers.BooleanField()
    aggregate_only = serializers.BooleanField()
    pii = serializers.BooleanField()
    data_classification = serializers.CharField()


class ArticleSerializer(serializers.Serializer[Any]):
    """An article of the knowledge base."""

    slug = serializers.CharField()
    title = serializers.CharField()
    body = serializers.CharField()
