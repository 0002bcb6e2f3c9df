"""Who may do what with single objects: guardian's tables, with foreign keys.

A row goes with its object; no row can name an object that is not there.
"""

from __future__ import annotations

from django.db import models
from guardian.models import GroupObjectPermissionBase, UserObjectPermissionBase

from chat.models.catalogue import QueryDefinition
from chat.models.conversations import Conversation
from chat.models.knowledge import KnowledgeCollection


class QueryUserPermission(UserObjectPermissionBase):
    """A person may run this query."""

    content_object = models.ForeignKey(QueryDefinition, on_delete=models.CASCADE)

    class Meta(UserObjectPermissionBase.Meta):
        default_permissions = ()


class QueryGroupPermission(GroupObjectPermissionBase):
    """A role may run this query."""

    content_object = models.ForeignKey(QueryDefinition, on_delete=models.CASCADE)

    class Meta(GroupObjectPermissionBase.Meta):
        default_permissions = ()


class CollectionUserPermission(UserObjectPermissionBase):
    """A person may read the articles of this collection."""

    content_object = models.ForeignKey(KnowledgeCollection, on_delete=models.CASCADE)

    class Meta(UserObjectPermissionBase.Meta):
        default_permissions = ()


class CollectionGroupPermission(GroupObjectPermissionBase):
    """A role may read the articles of this collection."""

    content_object = models.ForeignKey(KnowledgeCollection, on_delete=models.CASCADE)

    class Meta(GroupObjectPermissionBase.Meta):
        default_permissions = ()


class ConversationUserPermission(UserObjectPermissionBase):
    """A colleague may read this conversation; its owner shared it."""

    content_object = models.ForeignKey(Conversation, on_delete=models.CASCADE)

    class Meta(UserObjectPermissionBase.Meta):
        default_permissions = ()


class ConversationGroupPermission(GroupObjectPermissionBase):
    """Conversations are shared with people only: the table stays empty.

    Without it guardian would look into its generic table.
    """

    content_object = models.ForeignKey(Conversation, on_delete=models.CASCADE)

    class Meta(GroupObjectPermissionBase.Meta):
        default_permissions = ()
        constraints = [
            models.CheckConstraint(
                condition=models.Q(pk__isnull=True), name="shared_with_people_only"
            )
        ]
