"""Sign-ins and enrolments under way, overtaken by what should have stopped them."""

from __future__ import annotations

import threading

import pytest
from django.db import connection, transaction

from accounts.errors import IdentityUnknown, ProofNeeded
from accounts.models import AuthSession, Origin, TOTPFactor
from accounts.services import enrolment, factors, identity_providers, proof
from accounts.services.sign_in import Proven, open_token_session
from accounts.tests.factories import (
    make_identity,
    make_provider,
    make_session,
    make_user,
)
from accounts.tests.test_enrolment import code_of
from chatsec.core.errors import DomainError, Unauthenticated
from tests.waiting import until_it_waits_or_ends

pytestmark = pytest.mark.django_db(transaction=True)


def overtaken(first, second):
    """Return what `second` came to, begun while `first` was not committed yet."""
    came_to = []

    def run():
        try:
            came_to.append(second())
        except DomainError as refusal:
            came_to.append(refusal)
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    with transaction.atomic():
        first()
        thread.start()
        until_it_waits_or_ends(thread)
    thread.join(timeout=20)
    assert not thread.is_alive()
    return came_to[0]


def test_a_provider_that_is_being_switched_off_opens_nothing():
    provider, alice = make_provider(), make_user("alice")
    identity = make_identity(alice, provider)

    def switch_off():
        provider.is_active = False
        identity_providers.save_provider(
            provider, client_secret=None, changed=["is_active"]
        )

    came_to = overtaken(
        switch_off,
        lambda: open_token_session(Proven(alice, ("fed",), origin=Origin(identity))),
    )

    assert isinstance(came_to, IdentityUnknown)
    assert not AuthSession.objects.filter(revoked_at__isnull=True).exists()


def test_a_factor_that_is_being_reset_signs_nobody_in():
    carol = make_user("carol", totp=True)
    factor = TOTPFactor.objects.get(user=carol)

    came_to = overtaken(
        lambda: factors.reset_factors(carol, reason="the phone was stolen"),
        lambda: open_token_session(Proven(carol, ("pwd", "otp", "mfa"), factor)),
    )

    assert isinstance(came_to, Unauthenticated)
    assert not AuthSession.objects.filter(revoked_at__isnull=True).exists()


def test_the_password_signs_nobody_in_beside_a_first_factor():
    alice = make_user("alice")
    factor = factors.enrol_totp(alice)

    def confirm():
        factors.hold_user(alice)
        TOTPFactor.objects.filter(id=factor.id).update(confirmed=True)

    came_to = overtaken(confirm, lambda: open_token_session(Proven(alice, ("pwd",))))

    assert isinstance(came_to, Unauthenticated)


def test_the_password_sets_up_nothing_beside_a_first_factor():
    alice = make_user("alice")
    session = make_session(alice, kind="browser")
    proof.record_password_confirmation(session)
    factors.enrol_totp(alice)

    def confirm_another():
        factors.hold_user(alice)
        other = TOTPFactor(user=alice, confirmed=True)
        other.secret = b"another secret, of 20"
        other.save(force_insert=True)

    waiting = TOTPFactor.objects.get(user=alice)
    code = code_of(waiting)
    came_to = overtaken(confirm_another, lambda: enrolment.finish_totp(session, code))

    assert isinstance(came_to, ProofNeeded)
    assert TOTPFactor.objects.filter(user=alice, confirmed=True).count() == 1
