"""Whatever fails on the way is a refusal: nothing shown, nothing half kept."""

import typing
from itertools import pairwise

import pytest

from auditlog.selectors import list_events
from chat import pipeline
from chat.errors import AnswerFailed
from chat.models import Message, RecordedAction
from chat.pipeline import answer_message
from chat.services.conversations import start_conversation
from chat.stages import (
    admission,
    authorization,
    execution,
    keeping,
    understanding,
    wording,
)
from chatsec.core.errors import Unavailable

pytestmark = pytest.mark.django_db

STAGES = (
    "admit",
    "screen",
    "redact",
    "interpret",
    "authorize",
    "execute",
    "release",
    "compose",
    "store",
)
CHAIN = (
    admission.admit,
    admission.screen,
    admission.redact,
    understanding.interpret,
    authorization.authorize,
    execution.execute,
    execution.release,
    wording.compose,
    keeping.store,
)


def broken(*args, **kwargs):
    raise RuntimeError("alice's secret is 4711")


@pytest.mark.parametrize("stage", STAGES)
def test_any_broken_stage_is_a_refusal(catalogue, acting, alice, monkeypatch, stage):
    actor = acting(alice)
    conversation = start_conversation(actor)
    monkeypatch.setattr(pipeline, stage, broken)

    with pytest.raises(AnswerFailed) as refused:
        answer_message(actor, conversation, "Show me team sales for Q4")

    assert "4711" not in refused.value.message
    assert not Message.objects.exists()
    assert list_events(event_type="error").count() == 1
    conversation.refresh_from_db()
    assert conversation.message_count == 0


@pytest.mark.parametrize(
    "event",
    ["authorization_check", "data_access", "chatbot_query"],
)
def test_without_evidence_there_is_no_data(
    catalogue, acting, alice, monkeypatch, event
):
    actor = acting(alice)
    conversation = start_conversation(actor)
    record = keeping.record

    def failing(kind, **evidence):
        if kind.name == event:
            raise OSError("the audit log is full")
        return record(kind, **evidence)

    monkeypatch.setattr(keeping, "record", failing)

    with pytest.raises(AnswerFailed):
        answer_message(actor, conversation, "Show me team sales for Q4")

    assert not Message.objects.exists()
    assert not list_events(event_type="data_access").exists()


def test_a_refusal_is_on_record_even_if_the_turn_cannot_be_kept(
    catalogue, acting, bob, monkeypatch
):
    actor = acting(bob)
    conversation = start_conversation(actor)
    monkeypatch.setattr(keeping, "_keep", broken)

    with pytest.raises(AnswerFailed):
        answer_message(actor, conversation, "Show me team sales for Q4")

    assert list_events(event_type="authorization_denied").count() == 1


def test_an_action_without_evidence_is_not_recorded(
    catalogue, acting, alice, monkeypatch
):
    actor = acting(alice)
    conversation = start_conversation(actor)
    monkeypatch.setattr(keeping, "record", broken)

    with pytest.raises(AnswerFailed):
        answer_message(actor, conversation, "approve a discount of 500")

    assert not RecordedAction.objects.exists()


def test_a_business_database_that_is_down_is_unavailable(
    catalogue, acting, alice, settings
):
    from chat.models import DataSource

    source = DataSource.objects.get()
    source.seal_url("postgresql+psycopg2://nobody:x@127.0.0.1:1/nothing")
    source.save()
    actor = acting(alice)

    with pytest.raises(Unavailable):
        answer_message(actor, start_conversation(actor), "Show me team sales for Q4")


def test_a_query_that_takes_too_long_is_stopped(ask, alice, monkeypatch):
    from chat.datasets import sources
    from chat.datasets.rewriter import BoundQuery

    run = sources.run_together

    def slow(engine, queries, *, timeout_ms):
        sleeping = BoundQuery("SELECT pg_sleep(5)", {}, (), False, ())
        return run(engine, [(sleeping, 1)], timeout_ms=50)

    monkeypatch.setattr(execution, "run_together", slow)

    with pytest.raises(AnswerFailed) as refused:
        ask(alice, "Show me team sales for Q4")

    assert refused.value.code == "query_timeout"


def test_without_valkey_nothing_is_answered(ask, erin, settings):
    from chat.services import limits

    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    limits._script.cache_clear()
    try:
        with pytest.raises(Unavailable):
            ask(erin, "hello")
    finally:
        limits._script.cache_clear()


def test_each_stage_takes_only_what_the_one_before_it_makes():
    for before, after in pairwise(CHAIN):
        made = typing.get_type_hints(before)["return"]
        parameter = next(iter(typing.get_type_hints(after).values()))
        assert parameter is made, (before, after)


def test_the_pipeline_runs_every_stage():
    source = typing.cast("object", pipeline.answer_message)
    names = source.__code__.co_names

    assert set(STAGES) <= set(names)
