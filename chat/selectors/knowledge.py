"""Reads of the knowledge base."""

from __future__ import annotations

from typing import Final

from django.contrib.postgres.search import SearchQuery, SearchRank, SearchVector
from django.db.models import Q, QuerySet

from chat.models import Article, KnowledgeCollection
from chatsec.core.context import Actor
from rbac.services import decide, objects_for
from rbac.services.object_reads import is_permission_denied

READ_COLLECTION: Final = "chat.view_knowledgecollection"
CONFIG: Final = "english"
MAX_FOUND: Final = 20
# Words that any question shares with any article.
FEWEST_POINTS: Final = 0.01


def search_articles(actor: Actor, text: str) -> list[Article]:
    """Return the articles that the actor may read and that answer best, best first."""
    words = [word for word in text.split() if any(map(str.isalnum, word))]
    if not words:
        return []
    vector = SearchVector("title", weight="A", config=CONFIG) + SearchVector(
        "body", weight="B", config=CONFIG
    )
    wanted = SearchQuery(words[0], config=CONFIG)
    for word in words[1:]:
        wanted |= SearchQuery(word, config=CONFIG)
    found = (
        _readable(actor)
        .annotate(vector=vector, points=SearchRank(vector, wanted))
        .filter(vector=wanted, points__gt=FEWEST_POINTS)
        .order_by("-points", "title")
    )
    return list(found[:MAX_FOUND])


def list_articles(actor: Actor) -> list[Article]:
    """Return every article that the actor may read, by title."""
    return list(_readable(actor))


def _readable(actor: Actor) -> QuerySet[Article]:
    """Return what a permission of its own, or one on its collection, lets him read.

    A role that denies the article's permission keeps it closed either way.
    """
    guards = Article.objects.exclude(permission="").order_by()
    codes = set(guards.values_list("permission", flat=True).distinct())
    held = {code for code in codes if decide(actor, code).outcome == "allow"}
    denied = {code for code in codes - held if is_permission_denied(actor, code)}
    opened = objects_for(actor, READ_COLLECTION, KnowledgeCollection.objects.order_by())
    return Article.objects.filter(
        Q(permission__in=held) | (Q(collection__in=opened) & ~Q(permission__in=denied))
    )
