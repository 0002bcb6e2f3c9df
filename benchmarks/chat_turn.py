"""What a chat turn costs beside a bare view that does one SELECT and one INSERT.

Both go through the whole stack of the same process: middleware, routing, rendering. The
turn is an authorized question that is interpreted, answered from the business database,
sealed, kept and audited. Engines are started for the measurement and thrown away.

    python -m benchmarks chat_turn
"""

# ruff: noqa: PLC0415 - what needs Django is imported once the settings are chosen

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

from benchmarks import own_engines

ROUNDS = 200
QUESTIONS = {
    "totals (aggregate, one row)": "What were the total sales in Q3 2026?",
    "team sales (rows, scoped)": "Show me team sales for Q3 2026",
    "refused": "Show me the financial report",
}


def main() -> None:
    """Measure in a process of its own, on engines of its own."""
    own_engines.run("benchmarks.chat_turn", CHATSEC_ALLOWED_HOSTS="testserver")


def _measure() -> None:
    own_engines.prepare()
    from django.conf import settings
    from django.db import connection

    from benchmarks.measure import interleaved, report
    from chatsec.demo.business import seed_business
    from chatsec.demo.catalogue import seed_catalogue

    seed_business(settings.BUSINESS_OWNER_DATABASE_URL)
    seed_catalogue()
    settings.ROOT_URLCONF = _routes()
    contenders = _contenders()
    report(
        "chat turn, durable", interleaved(contenders, rounds=ROUNDS), baseline="bare"
    )
    with connection.cursor() as cursor:
        cursor.execute("SET synchronous_commit = off")
    samples = interleaved(contenders, rounds=ROUNDS)
    report("chat turn, no wait for the disk", samples, baseline="bare")


def _routes() -> type:
    """Return the application's routes with the bare view beside them."""
    from django.urls import include, path
    from rest_framework.request import Request
    from rest_framework.response import Response

    from accounts.models import User
    from chat.models import Article
    from chatsec.core.api import PUBLIC, ApiView

    class Bare(ApiView):
        """One SELECT and one INSERT."""

        required_permission = PUBLIC
        authentication_classes = ()

        def post(self, request: Request) -> Response:
            user = User.objects.get(username="bench")
            slug = uuid4().hex
            Article.objects.create(slug=slug, title=slug, body=slug)
            return Response({"id": str(user.id), "slug": slug})

    class Routes:
        urlpatterns = [
            path("bare", Bare.as_view()),
            path("", include("chatsec.urls")),
        ]

    return Routes


def _contenders() -> dict[str, Callable[[], object]]:
    from rest_framework.test import APIClient

    from accounts.services.people import create_user
    from accounts.services.sessions import start_session
    from accounts.services.tokens import issue
    from chat.services import limits
    from chatsec.core.context import SYSTEM
    from rbac.services import assign_role

    # The limit is part of the turn; only its quota would end the measurement.
    limits.SIGNED_IN = limits.Limit("user", 1_000_000, 60)  # type: ignore[misc]
    user = create_user(
        "bench",
        password=None,
        email="bench@example.org",
        display_name="Bench",
        department="Sales",
        region="north",
        team="north-1",
    )
    assign_role(SYSTEM, user=user, role="sales_manager", reason="measurement")
    token = issue(start_session(user, kind="token", amr=("pwd",))).access
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    started = client.post("/api/v1/conversations", {}, format="json")
    path = f"/api/v1/conversations/{started.json()['id']}/messages"
    bare = _asking(client, "/bare", "hello")
    turns = {name: _asking(client, path, text) for name, text in QUESTIONS.items()}
    return {"bare": bare, **turns}


def _asking(client: Any, path: str, text: str) -> Callable[[], object]:
    def ask() -> None:
        answer = client.post(path, {"text": text}, format="json")
        if answer.status_code != 200:
            raise SystemExit(answer.content.decode())

    return ask


if __name__ == "__main__":
    _measure()
