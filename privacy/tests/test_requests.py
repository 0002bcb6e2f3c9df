"""Requests: by the person himself, one open of a kind, answered in time."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.tests.factories import PASSWORD
from accounts.tests.race import race
from auditlog.selectors import list_events
from chatsec.core.context import ANONYMOUS, Actor, ActorKind
from chatsec.core.errors import (
    Conflict,
    Denied,
    Invalid,
    NotFound,
    TooMany,
    Unauthenticated,
)
from privacy import selectors
from privacy.deadlines import due_date
from privacy.errors import ReauthenticationRequired, RequestOpenAlready
from privacy.models import RequestKind, RequestState, SubjectRequest
from privacy.services import requests
from privacy.tests.factories import actor_of, open_export

pytestmark = pytest.mark.django_db
LONG_AGO = timedelta(minutes=6)


@pytest.mark.parametrize("kind", RequestKind.values)
def test_every_right_can_be_asked_for(alice, kind):
    now = timezone.now()

    opened = requests.open_request(actor_of(alice), kind, now=now)

    assert opened.state == RequestState.RECEIVED
    assert opened.due_at == due_date(now)
    assert opened.is_automatic is (kind in ("access", "portability"))


def test_an_unknown_kind_is_refused(alice):
    with pytest.raises(Invalid):
        requests.open_request(actor_of(alice), "everything")


def test_a_recent_sign_in_is_proof(alice):
    opened = requests.open_request(actor_of(alice), "access")

    assert opened.identity_proof == "sign_in"


def test_a_recent_step_up_is_proof(alice):
    now = timezone.now()
    actor = Actor(
        kind=ActorKind.USER,
        person=alice,
        authenticated_at=now - timedelta(hours=1),
        stepped_up_at=now - timedelta(minutes=5),
    )

    assert requests.open_request(actor, "access", now=now).identity_proof == "step_up"


@pytest.mark.django_db(transaction=True)
def test_the_password_is_proof(alice):
    actor = actor_of(alice, signed_in=LONG_AGO)

    opened = requests.open_request(actor, "access", password=PASSWORD)

    assert opened.identity_proof == "password"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("password", [None, "", "wrong"])
def test_an_old_sign_in_without_the_password_is_refused(alice, password):
    actor = actor_of(alice, signed_in=LONG_AGO)

    with pytest.raises(ReauthenticationRequired) as refusal:
        requests.open_request(actor, "access", password=password)

    assert refusal.value.code == "reauthentication_required"
    assert not SubjectRequest.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_wrong_password_is_evidence_that_names_nobody(alice):
    with pytest.raises(ReauthenticationRequired):
        requests.open_request(
            actor_of(alice, signed_in=LONG_AGO), "access", password="wrong"
        )

    event = list_events(event_type="privacy.identity_not_proven").get()
    assert event.subject_pseudonym == event.actor_pseudonym != alice.id
    assert event.resource_id == str(event.actor_pseudonym)


def test_a_sign_in_from_the_future_is_no_proof(alice):
    actor = actor_of(alice, signed_in=timedelta(hours=-1))

    with pytest.raises(ReauthenticationRequired):
        requests.open_request(actor, "access")


@pytest.mark.django_db(transaction=True)
def test_passwords_cannot_be_tried_without_end(alice):
    actor = actor_of(alice, signed_in=LONG_AGO)
    for _ in range(5):
        with pytest.raises((ReauthenticationRequired, TooMany)):
            requests.open_request(actor, "access", password="wrong")

    with pytest.raises(TooMany):
        requests.open_request(actor, "access", password=PASSWORD)


@pytest.mark.parametrize(
    ("actor", "refusal"),
    [
        (ANONYMOUS, Unauthenticated),
        (
            Actor(kind=ActorKind.SERVICE, person=SimpleNamespace(id="1")),
            Denied,
        ),
    ],
)
def test_only_people_have_rights(actor, refusal):
    with pytest.raises(refusal):
        requests.open_request(actor, "access")


def test_a_second_open_request_of_a_kind_is_refused(alice, bob):
    first = open_export(alice)

    with pytest.raises(RequestOpenAlready) as refusal:
        open_export(alice)

    assert refusal.value.extra["request_id_open"] == str(first.id)
    open_export(alice, kind="portability")
    open_export(bob)


def test_after_it_is_closed_another_may_be_opened(alice):
    first = open_export(alice)
    requests.cancel_request(actor_of(alice), first.id)

    assert open_export(alice).id != first.id


@pytest.mark.django_db(transaction=True)
def test_of_many_at_once_one_is_opened(alice):
    actor = actor_of(alice)

    found = race(12, lambda: requests.open_request(actor, "access"))

    opened = [each for each in found if isinstance(each, SubjectRequest)]
    refused = [each for each in found if isinstance(each, RequestOpenAlready)]
    assert (len(opened), len(refused)) == (1, 11)
    assert SubjectRequest.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_opening_and_cancelling_has_an_end(alice, bob):
    now = timezone.now()
    actor = actor_of(alice)

    def once():
        opened = requests.open_request(actor, "access", now=now)
        return requests.cancel_request(actor, opened.id)

    for _ in range(9):
        once()
    found = race(6, once)

    assert SubjectRequest.objects.filter(subject_id=alice.id).count() == 10
    assert sum(isinstance(each, SubjectRequest) for each in found) == 1
    with pytest.raises(TooMany) as refusal:
        once()
    assert 86_000 < refusal.value.retry_after_seconds <= 86_401
    open_export(bob)
    next_day = now + timedelta(days=1)
    tomorrow = replace(actor, authenticated_at=next_day)
    assert requests.open_request(tomorrow, "access", now=next_day)


def test_a_stranger_neither_sees_nor_cancels_it(alice, charlie):
    request = open_export(alice)

    assert not selectors.list_requests(actor_of(charlie)).exists()
    with pytest.raises(NotFound):
        selectors.get_request(actor_of(charlie), request.id)
    with pytest.raises(NotFound):
        requests.cancel_request(actor_of(charlie), request.id)


def test_nobody_sees_nothing(alice):
    open_export(alice)

    assert not selectors.list_requests(ANONYMOUS).exists()


@pytest.mark.django_db(transaction=True)
def test_it_is_cancelled_once(alice):
    request = open_export(alice)
    actor = actor_of(alice)

    found = race(6, lambda: requests.cancel_request(actor, request.id))

    assert sum(isinstance(each, SubjectRequest) for each in found) == 1
    assert sum(isinstance(each, Conflict) for each in found) == 5


@pytest.mark.parametrize("outcome", ["completed", "refused"])
def test_an_administrator_answers_with_words(alice, admin, outcome):
    request = requests.open_request(actor_of(alice), "erasure")

    done = requests.resolve_request(
        actor_of(admin), request.id, outcome=outcome, resolution="Because."
    )

    assert (done.state, done.resolution) == (outcome, "Because.")
    assert done.closed_at is not None


@pytest.mark.parametrize(
    ("outcome", "resolution"),
    [("refused", " "), ("completed", ""), ("cancelled", "No"), ("received", "No")],
)
def test_an_answer_without_words_or_outcome_is_refused(
    alice, admin, outcome, resolution
):
    request = requests.open_request(actor_of(alice), "erasure")

    with pytest.raises(Invalid):
        requests.resolve_request(
            actor_of(admin), request.id, outcome=outcome, resolution=resolution
        )


def test_a_closed_request_is_not_answered_again(alice, admin):
    request = requests.open_request(actor_of(alice), "erasure")
    requests.cancel_request(actor_of(alice), request.id)

    with pytest.raises(Conflict):
        requests.resolve_request(
            actor_of(admin), request.id, outcome="completed", resolution="Done"
        )


def test_the_database_refuses_a_refusal_without_a_reason(alice):
    request = requests.open_request(actor_of(alice), "erasure")

    with pytest.raises(IntegrityError), transaction.atomic():
        SubjectRequest.objects.filter(id=request.id).update(state="refused")


def test_the_most_urgent_comes_first(alice, bob):
    now = timezone.now()
    late = requests.open_request(actor_of(alice), "erasure", now=now)
    early = SubjectRequest.objects.create(
        subject_id=bob.id,
        kind="erasure",
        identity_proof="sign_in",
        channel="api",
        received_at=now - timedelta(days=9),
        due_at=now + timedelta(days=20),
    )

    assert list(selectors.list_open_requests()) == [early, late]
