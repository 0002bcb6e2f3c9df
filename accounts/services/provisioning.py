"""Accounts made at the first sign-in by a provider, where an administrator wants that.

Such an account has no password and no role. It is never found by its e-mail address:
whoever has that address already links his identity himself, from a signed-in session.
"""

from __future__ import annotations

import re

from django.db import transaction

from accounts.errors import IdentityUnknown, ProviderRefused
from accounts.id_tokens import Verified
from accounts.models import ExternalIdentity, User
from accounts.models.people import email_digest
from accounts.names import fold_name
from accounts.services import identities, people
from accounts.services.identities import Claimed
from chatsec.core.errors import Conflict

NAME_LENGTH = 56  # of 64, which leaves room for a number
NUMBERED = 50


def make_account(claimed: Claimed, vouched: Verified) -> ExternalIdentity:
    """Return the identity of a new account; raise what speaks against making one.

    Of two first sign-ins at once one makes the account, and both come in by it.
    """
    email = vouched.verified_email()
    if not email:
        raise ProviderRefused("no verified address")
    try:
        with transaction.atomic():
            user = people.create_user(
                _free_name(vouched),
                password=None,
                email=email,
                display_name=vouched.text("name")[: people.MAX_DISPLAY_NAME],
            )
            return identities.link_identity(
                user, claimed, by=ExternalIdentity.LinkedBy.FIRST_SIGN_IN
            )
    except Conflict as taken:
        return _made_meanwhile(claimed, email, taken)


def _made_meanwhile(claimed: Claimed, email: str, taken: Conflict) -> ExternalIdentity:
    found = identities.find_identity(
        claimed.channel, tenant=claimed.tenant, subject=claimed.subject
    )
    if found is not None:
        return found
    if User.objects.filter(email_index=email_digest(email)).exists():
        raise IdentityUnknown from taken
    raise taken


def _free_name(vouched: Verified) -> str:
    """Return a user name like the one there that nobody has here."""
    told = vouched.text("preferred_username") or vouched.text("email")
    plain = re.sub(r"[^a-z0-9._-]+", "-", fold_name(told).partition("@")[0])
    base = plain.lstrip("._-")[:NAME_LENGTH] or "user"
    names = [base, *(f"{base}-{number}" for number in range(2, NUMBERED))]
    taken = set(
        User.objects.filter(username__in=names).values_list("username", flat=True)
    )
    return next((name for name in names if name not in taken), base)
