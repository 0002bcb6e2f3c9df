from datetime import timedelta

import pytest
from django.apps import apps
from django.utils import timezone

from accounts import factor_data
from accounts import personal_data as declared
from accounts.models import (
    AccountToken,
    ApiKey,
    AttemptBudget,
    AuthenticationRequest,
    AuthSession,
    BrowserSession,
    Challenge,
    IdentityChannel,
    Passkey,
    RecoveryCode,
    RecoverySheet,
    RefreshToken,
    ServiceAccount,
    TOTPFactor,
    User,
)
from accounts.notices import PASSWORD_CHANGED
from accounts.selectors import actor_for_session
from accounts.services import (
    account_tokens,
    challenges,
    identities,
    lockout,
    notices,
    tokens,
)
from accounts.services.factors import enrol_totp, make_recovery_codes
from accounts.services.service_accounts import create_service_account
from accounts.tests.factories import (
    make_identity,
    make_provider,
    make_session,
    make_user,
    sign_in_browser,
)
from accounts.tests.keys import made_for
from accounts.tests.soft_passkey import set_up_passkey
from chatsec.core import context, personal_data
from chatsec.core.context import ANONYMOUS, Channel

pytestmark = pytest.mark.django_db


@pytest.fixture
def carol(client):
    """Somebody of whom every table holds something."""
    carol = make_user("carol", totp=True, email="carol@example.org")
    tokens.issue(make_session(carol))
    sign_in_browser(client, carol)
    challenges.start_sign_in(carol)
    account_tokens.issue(carol, AccountToken.Purpose.RESET)
    notices.notify(carol, PASSWORD_CHANGED)
    make_recovery_codes(carol)
    identity_traces(carol)
    set_up_passkey(carol)
    made_for(carol, "read_public_faq")
    create_service_account("importer", purpose="Imports", responsible=carol)
    actor = actor_for_session(make_session(carol), Channel.WEB)
    for who in (ANONYMOUS, actor):
        context.set_actor(who)
        with lockout.attempt(carol, ip=None):
            pass
    return carol


def identity_traces(carol):
    provider = make_provider()
    make_identity(carol, provider)
    session = make_session(carol, stepped_up=True)
    identities.issue_channel_code(session, IdentityChannel.SLACK)
    waiting = AuthenticationRequest(
        provider=provider,
        purpose=AuthenticationRequest.Purpose.LINK,
        session=session,
        state_digest=b"state",
        browser_digest=b"browser",
        expires_at=timezone.now() + timedelta(minutes=10),
    )
    waiting.content = {"nonce": "a-nonce"}
    waiting.save()


def of_accounts():
    return [
        each
        for each in personal_data.declarations()
        if each.model.startswith("accounts.")
    ]


def test_every_model_is_declared_or_exempted():
    known = {each.model for each in of_accounts()} | set(personal_data.exemptions())

    models = {
        model._meta.label for model in apps.get_app_config("accounts").get_models()
    }
    assert models <= known


def test_an_export_holds_what_is_known_and_no_secret(carol):
    secret = TOTPFactor.objects.get().secret_base32

    exported = {each.model: list(each.export(carol.id)) for each in of_accounts()}

    assert exported["accounts.User"][0]["email"] == "carol@example.org"
    assert all(exported.values())
    text = str(exported)
    assert secret not in text
    assert "argon2" not in text
    assert "md5" not in text


def test_an_export_is_one_persons_own(carol):
    charlie = make_user("charlie")

    rows = [row for each in of_accounts() for row in each.export(charlie.id)]

    assert [row["username"] for row in rows] == ["charlie"]


def test_erasure_leaves_nothing_and_touches_nobody_else(carol):
    charlie = make_user("charlie", totp=True)
    make_session(charlie)

    for each in reversed(of_accounts()):
        each.erase(carol.id)

    # A program stays, and nobody answers for it any more.
    assert list(User.objects.filter(is_service=False)) == [charlie]
    assert ServiceAccount.objects.get().responsible is None
    for model in (AuthSession, TOTPFactor):
        assert set(model.objects.values_list("user_id", flat=True)) == {charlie.id}
    gone = (BrowserSession, RefreshToken, Challenge, AttemptBudget, AccountToken)
    for model in (*gone, ApiKey, Passkey, RecoverySheet, RecoveryCode):
        assert model.objects.count() == 0
    assert not [row for each in of_accounts() for row in each.export(carol.id)]


def test_ended_sessions_leave_by_retention_and_held_ones_stay():
    alice, held = make_user("alice"), make_user("held")
    old, kept, live = make_session(alice), make_session(held), make_session(alice)
    past = timezone.now() - timedelta(days=100)
    AuthSession.objects.filter(id__in=[old.id, kept.id]).update(expires_at=past)
    before = timezone.now() - timedelta(days=90)

    assert declared.count_expired_sessions(before, frozenset({held.id})) == 1
    assert declared.expire_sessions(before, frozenset({held.id})) == 1

    assert set(AuthSession.objects.all()) == {kept, live}


def test_a_budget_that_locks_never_expires():
    alice = make_user("alice")
    for _ in range(5):
        with lockout.attempt(alice, ip=None):
            pass

    assert declared.expire_budgets(timezone.now() + timedelta(days=1), frozenset()) == 0
    AttemptBudget.objects.update(touched_at=timezone.now() - timedelta(days=91))
    assert declared.count_expired_budgets(timezone.now(), frozenset()) == 1
    assert declared.count_expired_budgets(timezone.now(), frozenset({alice.id})) == 0
    assert declared.expire_budgets(timezone.now(), frozenset()) == 1


def test_old_challenges_leave():
    challenges.start_sign_in(make_user("carol", totp=True))
    Challenge.objects.update(expires_at=timezone.now() - timedelta(days=91))
    before = timezone.now() - timedelta(days=90)

    assert declared.count_expired_challenges(before, frozenset()) == 1
    assert declared.expire_challenges(before, frozenset()) == 1


def test_old_links_leave_and_held_ones_stay():
    alice, held = make_user("alice"), make_user("held")
    for user in (alice, held):
        account_tokens.issue(user, AccountToken.Purpose.RESET)
    AccountToken.objects.update(expires_at=timezone.now() - timedelta(days=91))
    waiting = account_tokens.issue(alice, AccountToken.Purpose.RESET)
    before, kept = timezone.now() - timedelta(days=90), frozenset({held.id})

    assert declared.count_expired_account_tokens(before, kept) == 1
    assert declared.expire_account_tokens(before, kept) == 1

    assert AccountToken.objects.count() == 2
    assert account_tokens.find(waiting, AccountToken.Purpose.RESET) is not None


def test_unfinished_set_ups_leave_and_finished_factors_stay():
    alice, held = make_user("alice", totp=True), make_user("held")
    for user in (alice, held):
        enrol_totp(user)
    TOTPFactor.objects.update(created_at=timezone.now() - timedelta(days=91))
    young = enrol_totp(make_user("young"))
    kept = frozenset({held.id})

    assert factor_data.count_unfinished(timezone.now(), kept) == 1
    assert factor_data.expire_unfinished(timezone.now(), kept) == 1

    left = TOTPFactor.objects.order_by("id").values_list("user_id", "confirmed")
    assert list(left) == [
        (alice.id, True),
        (held.id, False),
        (young.user_id, False),
    ]
