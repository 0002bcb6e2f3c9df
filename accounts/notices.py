"""What people can be told about their own accounts: one entry a kind.

Whoever changes a credential registers how its owner hears of it (ASVS 6.3.7). Facts are
named in the text as `%(name)s`; one that is not given is left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.names import one_line

Words = str | Promise

MAX_FACT_LENGTH = 200
UNKNOWN = "?"


@dataclass(frozen=True, slots=True)
class NoticeKind:
    """How one kind of notice reads."""

    code: str
    subject: Words
    body: Words

    @property
    def title(self) -> str:
        """Return what happened, in a few words."""
        return str(self.subject)

    @property
    def has_link(self) -> bool:
        """Whether the mail carries a link that is for nobody else's eyes."""
        return "%(link)s" in str(self.body)

    def words(self, facts: Mapping[str, str]) -> str:
        """Return what happened, with its facts."""
        return str(self.body) % _Facts(facts)


class _Facts(dict[str, str]):
    """Facts by name; one that nobody gave reads as a question mark."""

    def __missing__(self, name: str) -> str:
        return UNKNOWN


_kinds: dict[str, NoticeKind] = {}


def register(code: str, *, subject: Words, body: Words) -> str:
    """Add a kind of notice; return its code."""
    if code in _kinds:
        raise ValueError(f"two kinds of notice are called {code}")
    # Not translated yet: at import the translations are not there.
    _kinds[code] = NoticeKind(code, subject, body)
    return code


def kind_of(code: str) -> NoticeKind:
    """Return how a kind reads; one that is not registered any more says its code."""
    found = _kinds.get(code)
    return found or NoticeKind(code, code.replace("_", " "), "")


def is_registered(code: str) -> bool:
    """Whether there is such a kind."""
    return code in _kinds


def clean_fact(value: str) -> str:
    """Return the value on one line and without control characters.

    A name that somebody chose must not write further lines into a mail of ours.
    """
    return one_line(value, limit=MAX_FACT_LENGTH)


NEW_DEVICE = register(
    "new_device",
    subject=_("A new device signed in to your account"),
    body=_(
        "%(device)s signed in to your account from %(address)s. If this was not you, "
        "sign it out under My security and change your password."
    ),
)
SESSIONS_ENDED = register(
    "sessions_ended",
    subject=_("Devices of yours were signed out"),
    body=_("%(reason)s Signed out: %(devices)s."),
)
ACCOUNT_LOCKED = register(
    "account_locked",
    subject=_("Sign-in to your account is locked for a while"),
    body=_(
        "There were %(failures)s failed sign-ins to your account within a few minutes. "
        "New devices have to wait %(minutes)s minutes; devices that you signed in on "
        "before still work. If this was not you, somebody may be guessing your "
        "password: it was not found out, and a long one that you use nowhere else "
        "keeps it so."
    ),
)
TOKEN_REUSED = register(
    "token_reused",
    subject=_("A device was signed out for your safety"),
    body=_(
        "A sign-in token of %(device)s was used twice, which happens when it was "
        "copied. The device is signed out; please sign in on it again."
    ),
)
FACTOR_ADDED = register(
    "factor_added",
    subject=_("A second factor was added to your account"),
    body=_(
        "%(factor)s can be used to sign in to your account from now on. If this was "
        "not you, tell your administrator at once."
    ),
)
FACTOR_REMOVED = register(
    "factor_removed",
    subject=_("A second factor was removed from your account"),
    body=_(
        "%(factor)s can not be used to sign in any more. If this was not you, tell "
        "your administrator at once."
    ),
)
FACTORS_RESET = register(
    "factors_reset",
    subject=_("Your second factors were reset"),
    body=_(
        "An administrator took every second factor of your account away and signed "
        "you out everywhere. Sign in and set up a new one. If you did not ask for "
        "this, tell your administrator at once."
    ),
)
RECOVERY_CODES_MADE = register(
    "recovery_codes_made",
    subject=_("New recovery codes were made for your account"),
    body=_("The codes that you had before do not work any more."),
)
RECOVERY_CODE_USED = register(
    "recovery_code_used",
    subject=_("A recovery code of yours was used"),
    body=_(
        "Codes that are left: %(left)s. If this was not you, tell your administrator "
        "at once."
    ),
)
PASSWORD_CHANGED = register(
    "password_changed",
    subject=_("Your password was changed"),
    body=_(
        "Every other device was signed out. If this was not you, tell your "
        "administrator at once."
    ),
)
PASSWORD_RESET_ASKED = register(
    "password_reset_asked",
    subject=_("Choose a new password"),
    body=_(
        "Somebody asked for a new password for your account. If it was you, follow "
        "this link:\n\n%(link)s\n\nIt works once and for a short time. If it was not "
        "you, there is nothing to do."
    ),
)
INVITED = register(
    "invited",
    subject=_("You are invited"),
    body=_(
        "%(organisation)s made an account for you. Follow this link to choose your "
        "password:\n\n%(link)s\n\nIt works once."
    ),
)
EMAIL_CHANGED = register(
    "email_changed",
    subject=_("The e-mail address of your account was changed"),
    body=_("If this was not you, tell your administrator at once."),
)
EMAIL_CHANGE_ASKED = register(
    "email_change_asked",
    subject=_("Confirm your new e-mail address"),
    body=_("Follow this link to use this address:\n\n%(link)s\n\nIt works once."),
)
API_KEY_MADE = register(
    "api_key_made",
    subject=_("An API key was made for your account"),
    body=_(
        "The key is called %(name)s and belongs to %(account)s. If this was not you, "
        "revoke it at once."
    ),
)
API_KEY_REVOKED = register(
    "api_key_revoked",
    subject=_("An API key of your account was revoked"),
    body=_("%(name)s of %(account)s does not work any more."),
)
IDENTITY_LINKED = register(
    "identity_linked",
    subject=_("An account elsewhere was linked to yours"),
    body=_(
        "%(provider)s can be used for your account from now on. If this was not you, "
        "unlink it at once."
    ),
)
IDENTITY_UNLINKED = register(
    "identity_unlinked",
    subject=_("An account elsewhere was unlinked from yours"),
    body=_("%(provider)s can not be used for your account any more."),
)
APP_CONNECTED = register(
    "app_connected",
    subject=_("An app was connected to your account"),
    body=_(
        "%(app)s may use your account: %(scopes)s. If this was not you, disconnect it "
        "under My security."
    ),
)
