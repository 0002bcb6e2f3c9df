"""Articles that answer how-to questions, in collections."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from django.db import models
from uuid_utils.compat import uuid7

from chat.models.catalogue import CODE

# Made by a migration; an article is in one of them unless it is put elsewhere.
PUBLIC_ANSWERS: Final = UUID("01940000-0000-7000-8000-000000000001")
INTERNAL: Final = UUID("01940000-0000-7000-8000-000000000002")


class KnowledgeCollection(models.Model):
    """Articles that are opened together to people and roles."""

    # What can be given on a single one.
    object_permissions = ("view_knowledgecollection",)

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    name = models.CharField(max_length=120, unique=True)
    description = models.TextField(blank=True, default="", max_length=1000)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    def opened_codes(self) -> frozenset[str]:
        """Return the permissions that guard the articles that it opens."""
        codes = self.articles.order_by().values_list("permission", flat=True)
        return frozenset(code for code in codes.distinct() if code)


class Article(models.Model):
    """An article of the knowledge base, guarded by one permission.

    `read_public_faq` is everybody's, so it makes an article public. An empty
    permission shows the article to nobody but those to whom its collection is opened.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    collection = models.ForeignKey(
        KnowledgeCollection,
        on_delete=models.PROTECT,
        related_name="articles",
        default=INTERNAL,
    )
    slug = models.SlugField(max_length=80, unique=True)
    title = models.CharField(max_length=200)
    body = models.TextField(max_length=20_000)
    permission = models.CharField(max_length=99, blank=True, validators=[CODE])
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["title"]

    def __str__(self) -> str:
        return self.title
