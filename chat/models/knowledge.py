"""Articles that answer how-to questions."""

from __future__ import annotations

from django.db import models
from uuid_utils.compat import uuid7

from chat.models.catalogue import CODE


class Article(models.Model):
    """An article of the knowledge base, guarded by one permission.

    `read_public_faq` is everybody's, so it makes an article public. An empty
    permission shows the article to nobody.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    slug = models.SlugField(max_length=80, unique=True)
    title = models.CharField(max_length=200)
    body = models.TextField(max_length=20_000)
    permission = models.CharField(max_length=99, blank=True, validators=[CODE])
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["title"]

    def __str__(self) -> str:
        return self.title
