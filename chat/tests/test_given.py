"""Queries and collections that were opened to one person or role."""

from __future__ import annotations

import pytest
from django.core.management import call_command
from django.db import connections
from django.utils import timezone

from chat.models import INTERNAL, PUBLIC_ANSWERS, Article, KnowledgeCollection
from chat.models import QueryDefinition as Query
from chat.selectors.catalogue import find_entry
from chat.selectors.knowledge import list_articles, search_articles
from chat.stages.judgement import judge, list_runnable
from chatsec.core.context import ANONYMOUS, SYSTEM
from rbac.models import Role, RoleGrant
from rbac.services import as_actor, grant_object, revoke_object
from rbac.tests.factories import give_role

pytestmark = pytest.mark.django_db
RUN, READ = "chat.run_querydefinition", "chat.view_knowledgecollection"
REPORT = "Show me the financial report for Q3 2025"


def change(service, obj, to):
    permission = RUN if isinstance(obj, Query) else READ
    service(SYSTEM, obj=obj, permission=permission, to=to, reason="for the test")


def give(obj, to):
    change(grant_object, obj, to)


def take(obj, to):
    change(revoke_object, obj, to)


def deny(person, code):
    RoleGrant.objects.create(
        role=Role.objects.create(name="barred"), code=code, effect="deny"
    )
    give_role(person, "barred")


def runnable(person):
    return {entry.key for entry in list_runnable(as_actor(person))}


@pytest.fixture
def report(catalogue):
    query = Query.objects.get(key="financial_report")
    # What is tried here is who may run it, not the second factor.
    Query.objects.filter(pk=query.pk).update(requires_mfa=False)
    return query


def test_a_given_query_is_answered_and_no_other(ask, report, bob, charlie):
    assert ask(bob, REPORT).status == "denied"
    before = runnable(bob)

    give(report, bob)

    answered = ask(bob, REPORT)
    assert answered.status == "answered"
    assert answered.rows
    assert answered.decision["reasons"][0]["kind"] == "object_permission"
    assert runnable(bob) == before | {"financial_report"}
    assert ask(charlie, REPORT).status == "denied"
    assert not bob.has_perm("rbac.read_financial")


def test_a_role_can_be_given_a_query(ask, report, bob, erin):
    give(report, Role.objects.get(name="sales_rep"))

    assert ask(bob, REPORT).status == "answered"
    assert ask(erin, REPORT).status == "denied"


def test_what_is_taken_back_is_gone_from_the_history_too(ask, report, bob, api):
    give(report, bob)
    answer = ask(bob, REPORT)
    path = f"/api/v1/conversations/{answer.conversation_id}/messages"
    assert api(bob).get(path).json()["results"][-1]["rows"]

    take(report, bob)

    assert ask(bob, REPORT).status == "denied"
    shown = api(bob).get(path).json()["results"][-1]
    assert (shown["withheld"], shown["rows"]) == (True, [])


@pytest.mark.parametrize("code", ["read_financial", RUN, "*"])
def test_a_deny_wins_over_a_given_query(ask, report, bob, code):
    give(report, bob)
    deny(bob, code)

    assert ask(bob, REPORT).status == "denied"
    assert "financial_report" not in runnable(bob)


def test_running_queries_in_general_opens_none(ask, report, bob):
    RoleGrant.objects.create(role=Role.objects.create(name="runner"), code="chat.*")
    give_role(bob, "runner")

    assert ask(bob, REPORT).status == "denied"


def test_a_given_query_shows_rows_past_ones_own_region(ask, catalogue, bob):
    narrow = ask(bob, "Total sales for Q4 2024").rows

    give(Query.objects.get(key="sales_summary"), bob)

    assert ask(bob, "Total sales for Q4 2024").rows != narrow


def test_personal_data_needs_its_own_permission_still(catalogue, bob, carol):
    entry = find_entry("employee_records")

    give(entry.query, bob)

    def columns(person):
        judged = judge(as_actor(person), entry, now=timezone.now())
        assert judged.is_allowed
        return set(judged.views["employees"].columns)

    assert columns(carol) - columns(bob) == {"birth_date", "national_id", "address"}


@pytest.fixture
def shelf(db):
    return KnowledgeCollection.objects.create(name="Shelf")


@pytest.fixture
def article(shelf):
    return Article.objects.create(
        collection=shelf,
        slug="zebra",
        title="Zebra crossings",
        body="How a zebra is crossed.",
        permission="read_hr_data",
    )


def reads(person, article):
    actor = as_actor(person)
    listed = article in list_articles(actor)
    assert (article in search_articles(actor, "zebra")) is listed
    return listed


def test_an_article_is_read_by_permission_or_by_its_collection(
    article, shelf, bob, carol, charlie
):
    assert reads(carol, article)
    assert not reads(bob, article)

    give(shelf, bob)

    assert reads(bob, article)
    assert not reads(charlie, article)
    assert article not in list_articles(ANONYMOUS)
    take(shelf, bob)
    assert not reads(bob, article)


def test_an_opened_collection_opens_articles_that_nobody_else_reads(
    article, shelf, carol, bob
):
    Article.objects.filter(pk=article.pk).update(permission="")
    assert not reads(carol, article)

    give(shelf, Role.objects.get(name="sales_rep"))

    assert reads(bob, article)
    assert not reads(carol, article)


@pytest.mark.parametrize("code", ["read_hr_data", READ])
def test_a_deny_keeps_an_article_closed(article, shelf, bob, code):
    give(shelf, bob)
    deny(bob, code)

    assert not reads(bob, article)


def test_a_collection_opened_to_everybody_is_read_by_anybody(article, shelf):
    give(shelf, Role.objects.get(name="public"))

    assert article in list_articles(ANONYMOUS)


def test_a_new_article_is_internal_and_public_answers_are_public(catalogue):
    made = Article.objects.create(slug="new", title="New", body="x")

    assert made.collection_id == INTERNAL
    public = Article.objects.filter(permission="read_public_faq")
    assert set(public.values_list("collection_id", flat=True)) == {PUBLIC_ANSWERS}


@pytest.mark.django_db(transaction=True, databases=["default", "owner"])
def test_the_migration_sorts_articles_and_can_be_taken_back():
    Article.objects.create(slug="hr", title="HR", body="x", permission="read_hr_data")
    Article.objects.create(
        slug="faq", title="FAQ", body="x", permission="read_public_faq"
    )
    give_back = ["chat", "0001", "--database=owner", "--skip-checks"]
    connections.close_all()
    # Others came after it; they go first and come back last.
    call_command("migrate", *give_back, verbosity=0)
    call_command("migrate", "chat", "--database=owner", verbosity=0, skip_checks=True)

    found = dict(Article.objects.values_list("slug", "collection_id"))
    assert found == {"hr": INTERNAL, "faq": PUBLIC_ANSWERS}
