"""Who is exempt from a rule: for how long, with whose word, and with what reason."""

from __future__ import annotations

from contextlib import AbstractContextManager
from datetime import timedelta
from importlib import import_module
from threading import Thread

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from auditlog.errors import RuleRefused
from auditlog.models import Event, RuleException
from auditlog.notes import open_reason, seal_reason
from auditlog.rules import FLOOR
from auditlog.rules.floor import DENIALS_IN_5_MINUTES
from auditlog.selectors import read_events, read_exceptions
from auditlog.services import detection
from auditlog.services.detection.evaluation import exemptions
from auditlog.services.detection.exempting import Exempted
from auditlog.tests.detection.factories import (
    DAY,
    SECOND,
    deny,
    every,
    make_events,
    person,
    pseudonym_of,
    rule_named,
    scan,
)
from auditlog.tests.factories import destroy_key, make_actor
from chatsec.core import context
from chatsec.core.context import ANONYMOUS, SYSTEM, Actor, RequestContext
from chatsec.core.errors import Conflict, Denied, NotFound

pytestmark = pytest.mark.django_db


def acting(actor: Actor) -> AbstractContextManager[RequestContext]:
    """Let the actor be who acts."""
    return context.bound(RequestContext(actor=actor))


class TestExceptions:
    def ask(self, whom: Exempted, *, days: int = 30, name="denials_in_5_minutes"):
        return detection.make_exception(
            rule_named(name).id,
            whom,
            reason="A load test",
            expires_at=timezone.now() + days * DAY,
        )

    def make(self, whom: Exempted, *, days: int = 30, name="denials_in_5_minutes"):
        made = self.ask(whom, days=days, name=name)
        if name in FLOOR:
            with acting(make_actor()):
                return detection.approve_exception(made.id)
        return made

    def test_from_the_floor_it_takes_effect_when_a_second_person_approves(self) -> None:
        who, now = person(), timezone.now()
        with acting(make_actor()):
            made = self.ask(Exempted(actor_pseudonym=who))
        deny(who, until=now)
        later = now + timedelta(minutes=10)
        assert len(scan(DENIALS_IN_5_MINUTES, now=now + SECOND)) == 1

        approver = make_actor()
        with acting(approver):
            detection.approve_exception(made.id)

        deny(who, until=later)
        assert scan(DENIALS_IN_5_MINUTES, now=later) == []
        approved = Event.objects.get(event_type="auditlog.exception_approved")
        assert approved.actor_pseudonym == pseudonym_of(approver)
        assert approved.subject_pseudonym == who

    def test_from_any_other_rule_it_takes_effect_at_once(self) -> None:
        made = self.ask(Exempted(network_hash=b"n" * 16), name="blocked_messages")

        assert exemptions(now=timezone.now())["blocked_messages"].networks
        with acting(make_actor()), pytest.raises(Conflict):
            detection.approve_exception(made.id)

    def test_nobody_approves_his_own_or_one_about_himself(self) -> None:
        asker, exempted = make_actor(), make_actor()
        with acting(asker):
            made = self.ask(Exempted(actor_pseudonym=pseudonym_of(exempted)))

        for refused in (asker, exempted, SYSTEM, ANONYMOUS):
            with acting(refused), pytest.raises(Denied):
                detection.approve_exception(made.id)

        made.refresh_from_db()
        assert made.approved_at is None
        assert "denials_in_5_minutes" not in exemptions(now=timezone.now())

    def test_it_is_approved_once_and_not_when_it_is_over(self) -> None:
        made = self.make(Exempted(network_hash=b"n" * 16))
        over = self.ask(Exempted(network_hash=b"m" * 16))
        RuleException.objects.filter(id=over.id).update(
            created_at=timezone.now() - 2 * DAY, expires_at=timezone.now() - DAY
        )

        for one in (made, over):
            with acting(make_actor()), pytest.raises(Conflict):
                detection.approve_exception(one.id)
        with acting(make_actor()), pytest.raises(NotFound):
            detection.approve_exception(person())

    def test_the_database_refuses_one_pair_of_eyes(self) -> None:
        with acting(make_actor()):
            made = self.ask(Exempted(network_hash=b"n" * 16))

        with pytest.raises(IntegrityError), transaction.atomic():
            RuleException.objects.filter(id=made.id).update(
                approved_at=timezone.now(), approved_by=made.created_by
            )

    @pytest.mark.django_db(transaction=True)
    def test_of_parallel_approvals_one_counts(self) -> None:
        with acting(make_actor()):
            made = self.ask(Exempted(network_hash=b"n" * 16))
        approvers = [make_actor() for _ in range(4)]
        results: list[object] = []

        def approve(actor: Actor) -> None:
            try:
                with context.bound(RequestContext(actor=actor)):
                    results.append(detection.approve_exception(made.id))
            except Conflict as refusal:
                results.append(refusal)
            finally:
                connection.close()

        threads = [Thread(target=approve, args=[each]) for each in approvers]
        for each in threads:
            each.start()
        for each in threads:
            each.join(timeout=60)

        assert sum(isinstance(one, RuleException) for one in results) == 1
        assert sum(isinstance(one, Conflict) for one in results) == 3

    def test_it_exempts_one_account_from_one_rule_until_it_ends(self) -> None:
        who, other = person(), person()
        made = self.make(Exempted(actor_pseudonym=who))
        now = timezone.now()
        deny(who, until=now, count=11)
        deny(other, until=now)

        opened = scan(*FLOOR.values(), now=now)

        assert {(alert.rule, alert.actor_pseudonym) for alert in opened} == {
            ("denials_in_5_minutes", other),
            ("denials_in_1_hour", who),
        }
        assert Event.objects.filter(event_type="auditlog.exception_made").count() == 1
        detection.end_exception(made.id)
        assert [
            a.actor_pseudonym for a in scan(DENIALS_IN_5_MINUTES, now=now + SECOND)
        ] == [who]

    def test_it_stops_counting_when_it_expires(self) -> None:
        who = person()
        self.make(Exempted(actor_pseudonym=who), days=1)
        past = timezone.now() + DAY
        deny(who, until=past)

        assert len(scan(DENIALS_IN_5_MINUTES, now=past + SECOND)) == 1

    def test_it_exempts_a_network_or_a_kind_of_account(self) -> None:
        make_events(
            "chat.message_blocked",
            every(SECOND, count=4, until=timezone.now()),
            actor_pseudonym=person(),
            actor_kind="service",
            network_hash=b"n" * 16,
        )
        blocked = rule_named("blocked_messages").spec
        now = timezone.now()
        made = self.make(Exempted(actor_kind="service"), name="blocked_messages")
        assert scan(blocked, now=now + SECOND) == []
        detection.end_exception(made.id)
        made = self.make(Exempted(network_hash=b"n" * 16), name="blocked_messages")
        assert scan(blocked, now=now + 2 * SECOND) == []
        detection.end_exception(made.id)

        assert len(scan(blocked, now=now + 3 * SECOND)) == 1

    @pytest.mark.parametrize(
        ("whom", "days", "reason"),
        [
            (Exempted(), 30, "why"),
            (Exempted(network_hash=b"n", actor_kind="service"), 30, "why"),
            (Exempted(actor_kind="service"), 30, "why"),
            (Exempted(network_hash=b"n"), 367, "why"),
            (Exempted(network_hash=b"n"), 0, "why"),
            (Exempted(network_hash=b"n"), 30, "  "),
        ],
    )
    def test_it_is_of_one_for_a_while_with_a_reason(self, whom, days, reason) -> None:
        with pytest.raises(RuleRefused):
            detection.make_exception(
                rule_named("denials_in_5_minutes").id,
                whom,
                reason=reason,
                expires_at=timezone.now() + days * DAY,
            )
        assert RuleException.objects.count() == 0

    def test_the_reason_is_sealed_for_whom_it_is_about(self) -> None:
        about = make_actor()
        assert about.id is not None
        whom = Exempted(actor_pseudonym=pseudonym_of(about))

        with acting(make_actor()):
            made = self.ask(whom)

        kept = RuleException.objects.get(pk=made.pk)
        assert b"load" not in bytes(kept.reason_sealed)
        assert open_reason(kept, owner=about.id) == "A load test"
        (event,) = Event.objects.filter(event_type="auditlog.exception_made")
        (read,) = read_events([event])
        assert "reason" not in read.details
        assert read.subject_details == {"reason": "A load test"}
        destroy_key(about.id)
        (row,) = read_exceptions(kept.rule, reader_id=None)
        assert row.reason is None

    def test_the_reason_is_sealed_where_it_is_about_nobody(self) -> None:
        made = self.ask(Exempted(network_hash=b"n"))

        kept = RuleException.objects.get(pk=made.pk)
        assert b"load" not in bytes(kept.reason_sealed)
        assert open_reason(kept, owner=None) == "A load test"
        (read,) = read_events([Event.objects.get(event_type="auditlog.exception_made")])
        assert read.details["reason"] == "A load test"

    def test_a_reason_moved_elsewhere_does_not_open(self) -> None:
        first, second = (self.ask(Exempted(network_hash=each)) for each in (b"n", b"o"))
        second.reason_sealed = first.reason_sealed

        assert open_reason(second, owner=None) is None

    def test_reasons_of_before_open_for_whomever_they_are_about(self) -> None:
        module = import_module("auditlog.migrations.0029_seal_reasons")
        about = make_actor()
        row = RuleException(actor_pseudonym=pseudonym_of(about))

        row.reason_sealed = module.sealed(row.pk, "A load test")

        assert open_reason(row, owner=about.id) == "A load test"
        assert module.opened(row.pk, row.reason_sealed) == "A load test"
        assert module.opened(row.pk, seal_reason(row, "another key's")) == "sealed"

    def test_what_is_not_there_is_not_found(self) -> None:
        with pytest.raises(NotFound):
            detection.end_exception(person())
