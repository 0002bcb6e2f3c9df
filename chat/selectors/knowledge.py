"""Reads of the knowledge base."""

from __future__ import annotations

from typing import Final

from django.contrib.postgres.search import SearchQuery, SearchRank, SearchVector

from chat.models import Article
from chatsec.core.context import Actor
from rbac.services import decide

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
        Article.objects.filter(permission__in=_readable(actor))
        .annotate(vector=vector, points=SearchRank(vector, wanted))
        .filter(vector=wanted, points__gt=FEWEST_POINTS)
        .order_by("-points", "title")
    )
    return list(found[:MAX_FOUND])


def list_articles(actor: Actor) -> list[Article]:
    """Return every article that the actor may read, by title."""
    return list(Article.objects.filter(permission__in=_readable(actor)))


def _readable(actor: Actor) -> list[str]:
    """Return the permissions among the articles' that the actor holds."""
    codes = Article.objects.exclude(permission="").order_by()
    return [
        code
        for code in codes.values_list("permission", flat=True).distinct()
        if decide(actor, code).outcome == "allow"
    ]
