"""Who changed a rule when, from what to what, and why: as far as it still opens."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from auditlog.models import Event
from auditlog.selectors import FieldChange, RuleChange
from auditlog.services import detection, record
from auditlog.services.detection.exempting import Exempted
from auditlog.services.detection.trials import open_trial
from auditlog.services.reading import read_rule_history
from auditlog.tests.detection.factories import (
    person,
    pseudonym_of,
    rule_named,
    terms_of,
)
from auditlog.tests.factories import destroy_key, forget_cached_keys, make_actor
from chatsec.core import context
from chatsec.core.context import Actor, RequestContext
from chatsec.core.errors import Invalid, NotFound

pytestmark = pytest.mark.django_db
RULE = "blocked_messages"


def acting(actor: Actor):
    return context.bound(RequestContext(actor=actor))


def change(name: str = RULE, *, reason: str = "Too loud", **changes: object) -> None:
    rule = rule_named(name)
    detection.change_rule(
        rule.id, terms_of(rule, **changes), version=rule.version, reason=reason
    )


def except_(whom: Exempted, name: str = RULE):
    return detection.make_exception(
        rule_named(name).id,
        whom,
        reason="A load test",
        expires_at=timezone.now() + timedelta(days=3),
    )


def history(name: str = RULE) -> list[RuleChange]:
    return read_rule_history(rule_named(name).id, size=50).changes


def test_each_field_is_shown_with_old_and_new(alice) -> None:
    before = rule_named(RULE)
    told = {**before.parameters, "more_than": 7}
    with acting(make_actor(alice)):
        change(title="Blocked", parameters=told)

    (found,) = history()

    assert (found.kind, found.version, found.reason) == ("changed", 2, "Too loud")
    assert found.read.actor_name == "alice"
    assert found.fields == [
        FieldChange("title", before.title, "Blocked"),
        FieldChange("parameters.more_than", before.parameters["more_than"], 7),
    ]


def test_a_parameter_that_comes_or_goes_was_or_is_nothing() -> None:
    told = rule_named(RULE).parameters
    change(parameters={**told, "outcome": "denied"})
    change(parameters=told)

    gone, came = history()

    assert came.fields == [FieldChange("parameters.outcome", None, "denied")]
    assert gone.fields == [FieldChange("parameters.outcome", "denied", None)]


def test_it_says_when_a_rule_was_switched(alice) -> None:
    change(is_enabled=False)
    change(is_enabled=True)

    on, off = history()

    assert (off.kind, on.kind) == ("switched_off", "switched_on")
    assert off.fields == [FieldChange("is_enabled", old=True, new=False)]


def test_a_rule_is_followed_from_its_beginning_beyond_its_end() -> None:
    like = terms_of(rule_named(RULE), title="Own rule")
    made = detection.create_rule("own", like, reason="An audit asked for it")
    made_id = made.id
    with acting(make_actor()):
        except_(Exempted(network_hash=b"n" * 16), "own")
    detection.delete_rule(made_id, version=1, reason="Of no use")

    deleted, _, created = read_rule_history(made_id, size=9).changes

    assert (created.kind, created.reason) == ("created", "An audit asked for it")
    assert FieldChange("title", None, "Own rule") in created.fields
    assert (deleted.kind, deleted.reason) == ("deleted", "Of no use")
    assert FieldChange("title", "Own rule", None) in deleted.fields
    assert deleted.read.details["exceptions"] == 1


def test_exceptions_are_followed_with_their_reason(alice, bob) -> None:
    whom = Exempted(actor_pseudonym=pseudonym_of(make_actor(alice)))
    with acting(make_actor(bob)):
        made = except_(whom, "denials_in_5_minutes")
    with acting(make_actor()):
        detection.approve_exception(made.id)
    detection.end_exception(made.id)

    found = history("denials_in_5_minutes")

    assert [one.kind for one in found] == [
        "exception_ended",
        "exception_approved",
        "exception_made",
    ]
    assert {one.reason for one in found} == {"A load test"}
    assert {one.exception.id for one in found if one.exception} == {str(made.id)}
    assert {one.exception.name for one in found if one.exception} == {"alice"}
    assert found[2].read.actor_name == "bob"


def test_the_network_of_an_exception_stays_known() -> None:
    made = except_(Exempted(network_hash=b"n" * 16))
    detection.end_exception(made.id)

    assert {one.exception.network for one in history() if one.exception} == {
        (b"n" * 16).hex()
    }


def test_what_an_erased_author_decided_opens_no_more() -> None:
    author, about = make_actor(), make_actor()
    with acting(author):
        change(title="Blocked")
        except_(Exempted(actor_pseudonym=pseudonym_of(about)))
    pseudonym = pseudonym_of(author)
    destroy_key(author.id)
    forget_cached_keys()

    excepted, changed = history()

    assert changed.is_erased
    assert excepted.is_erased
    assert (changed.fields, changed.reason, changed.version) == ([], None, None)
    # That it was changed, when and under which pseudonym stays evidence.
    assert changed.kind == "changed"
    assert changed.read.event.actor_pseudonym == pseudonym
    # What was said about somebody else is under his own key.
    assert excepted.reason == "A load test"


def test_why_somebody_was_exempted_goes_with_him() -> None:
    about = make_actor()
    with acting(make_actor()):
        except_(Exempted(actor_pseudonym=pseudonym_of(about)))
    destroy_key(about.id)
    forget_cached_keys()

    (found,) = history()

    assert (found.reason, found.is_erased) == (None, False)
    assert found.exception is not None
    assert found.exception.expires_at


def test_of_the_floor_it_says_what_ships() -> None:
    rule = rule_named("denials_in_5_minutes")
    change(rule.name, parameters={**rule.parameters, "more_than": 2})

    (found,) = history(rule.name)

    assert found.fields == [FieldChange("parameters.more_than", 3, 2, shipped=3)]


def test_changes_from_before_old_values_were_kept_say_so(monkeypatch) -> None:
    module = "auditlog.services.detection.changing"

    def without(event, *, details, **evidence):
        del details["before"]
        return record(event, details=details, **evidence)

    monkeypatch.setattr(f"{module}.record", without)
    change(title="Blocked")

    (found,) = history()

    assert not found.has_old_values
    assert found.fields == [FieldChange("title", None, "Blocked")]


def test_nothing_else_about_the_rule_is_among_them(alice) -> None:
    change("new_device", risk=3)
    open_trial(make_actor(alice), rule_named(RULE), days=7, now=timezone.now())

    assert history() == []


def test_it_is_read_page_by_page_and_each_reading_is_on_record(
    django_assert_max_num_queries,
) -> None:
    rule = rule_named(RULE)
    people = [make_actor() for _ in range(3)]
    for number in range(6):
        with acting(people[number % 3]):
            change(window_seconds=60 + number)
    forget_cached_keys()

    with django_assert_max_num_queries(10):
        first = read_rule_history(rule.id, size=4)
    last = read_rule_history(rule.id, cursor=first.older, size=4)

    versions = [one.version for one in (*first.changes, *last.changes)]
    assert versions == [7, 6, 5, 4, 3, 2]
    assert (last.older, first.newer) == ("", "")
    assert last.newer
    reads = Event.objects.filter(event_type="auditlog.events_read")
    assert [*reads.order_by("event_id").values_list("result_count", flat=True)] == [
        4,
        2,
    ]


def test_without_evidence_of_the_reading_nothing_is_read(monkeypatch) -> None:
    change(title="Blocked")

    def broken(*_args: object, **_kwargs: object) -> None:
        raise OSError

    monkeypatch.setattr("auditlog.services.reading.record", broken)
    with pytest.raises(OSError):  # noqa: PT011 - any text
        history()


def test_what_never_was_is_not_found() -> None:
    with pytest.raises(NotFound):
        read_rule_history(person(), size=9)
    with pytest.raises(Invalid):
        read_rule_history(rule_named(RULE).id, cursor="x", size=9)


def test_it_says_who_was_exempted_who_is_nobody_any_more() -> None:
    about = make_actor()
    pseudonym = pseudonym_of(about)
    destroy_key(about.id)
    forget_cached_keys()
    with acting(make_actor()):
        except_(Exempted(actor_pseudonym=pseudonym))

    (found,) = history()

    assert found.exception is not None
    assert (found.exception.whom, found.exception.user_id) == ("account", pseudonym)
