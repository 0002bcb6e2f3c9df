"""What sign-in leaves as evidence."""

from auditlog.registry import register

SIGNED_IN = register(
    "accounts.signed_in",
    category="access",
    description="A user signed in.",
)
SIGNED_OUT = register(
    "accounts.signed_out",
    category="access",
    description="A user signed out.",
)
SIGN_IN_FAILED = register(
    "accounts.sign_in_failed",
    category="security",
    severity="warning",
    description="A sign-in was refused. An unknown name is never kept.",
)
SECOND_FACTOR_FAILED = register(
    "accounts.second_factor_failed",
    category="security",
    severity="warning",
    description="At a sign-in the first factor was right and the second wrong.",
)
SIGN_IN_BLOCKED = register(
    "accounts.sign_in_blocked",
    category="security",
    severity="warning",
    description="Refused unseen, after too many failures; result_count says how often.",
)
SESSION_REVOKED = register(
    "accounts.session_revoked",
    category="security",
    description="A signed-in device was signed out from elsewhere.",
)
NEW_DEVICE = register(
    "accounts.new_device",
    category="security",
    description="A user signed in on a device that he had not used before.",
)
SESSION_RENAMED = register(
    "accounts.session_renamed",
    category="access",
    description="A signed-in device was given another name.",
)
TOKEN_REUSE = register(
    "accounts.token_reuse",
    category="security",
    severity="critical",
    description="A spent refresh token was used again; its family is revoked.",
)
APP_CONSENT_GIVEN = register(
    "accounts.app_consent_given",
    category="security",
    description="A person agreed to connect an app; the details name the scopes.",
)
APP_CONNECTED = register(
    "accounts.app_connected",
    category="security",
    description="An app exchanged its code for a session of the person's.",
)
APP_REFUSED = register(
    "accounts.app_refused",
    category="security",
    severity="warning",
    description="A connected app's request for tokens was refused.",
)
CODE_REPLAYED = register(
    "accounts.code_replayed",
    category="security",
    severity="critical",
    description="A spent authorization code was used again; what it opened is ended.",
)
APPLICATION_CHANGED = register(
    "accounts.application_changed",
    category="audit",
    description="An app that people may connect was registered, changed or disabled.",
)
STEPPED_UP = register(
    "accounts.stepped_up",
    category="access",
    description="A second factor was shown again.",
)
STEP_UP_FAILED = register(
    "accounts.step_up_failed",
    category="security",
    severity="warning",
    description="A wrong code or password was given to confirm who it is.",
)
PASSWORD_CONFIRMED = register(
    "accounts.password_confirmed",
    category="access",
    description="A signed-in user gave the password again.",
)
FACTOR_ENROLLED = register(
    "accounts.factor_enrolled",
    category="security",
    description="A second factor was enrolled and confirmed.",
)
FACTOR_REMOVED = register(
    "accounts.factor_removed",
    category="security",
    severity="warning",
    description="A second factor was taken away.",
)
FACTOR_RENAMED = register(
    "accounts.factor_renamed",
    category="access",
    description="A second factor was given another name.",
)
FACTORS_RESET = register(
    "accounts.factors_reset",
    category="security",
    severity="warning",
    description="An administrator took every second factor of an account away.",
)
RECOVERY_CODES_MADE = register(
    "accounts.recovery_codes_made",
    category="security",
    description="Recovery codes were made; older ones are worth nothing.",
)
RECOVERY_CODE_USED = register(
    "accounts.recovery_code_used",
    category="security",
    severity="warning",
    description="A recovery code stood in for a second factor.",
)
IDENTITY_LINKED = register(
    "accounts.identity_linked",
    category="security",
    description="An identity elsewhere was linked to an account.",
)
IDENTITY_UNLINKED = register(
    "accounts.identity_unlinked",
    category="security",
    severity="warning",
    description="A linked identity was taken away; what it had opened ended.",
)
PROVIDER_CHANGED = register(
    "accounts.provider_changed",
    category="audit",
    severity="warning",
    description="An identity provider was added or changed; the details name columns.",
)
PROVIDER_SIGNED_OUT = register(
    "accounts.provider_signed_out",
    category="security",
    description="An identity provider ended what it had signed in.",
)
ACCOUNT_UNLOCKED = register(
    "accounts.account_unlocked",
    category="security",
    description="The failed sign-ins of an account were forgotten.",
)
USER_CREATED = register(
    "accounts.user_created",
    category="audit",
    description="An account was made.",
)
USER_CHANGED = register(
    "accounts.user_changed",
    category="audit",
    description="An account was changed; the details name the columns.",
)
PASSWORD_SET = register(
    "accounts.password_set",
    category="security",
    description="A password was set; every other session of the account ended.",
)
PASSWORD_RESET_ASKED = register(
    "accounts.password_reset_asked",
    category="security",
    description="A link for a new password was mailed to the account's address.",
)
USER_INVITED = register(
    "accounts.user_invited",
    category="audit",
    description="An invitation to choose a password was mailed.",
)
INVITATION_ACCEPTED = register(
    "accounts.invitation_accepted",
    category="security",
    description="An invitation was followed and a password chosen.",
)
EMAIL_CHANGE_ASKED = register(
    "accounts.email_change_asked",
    category="security",
    description="A link to confirm a new address was mailed to that address.",
)
NOTICE_UNDELIVERABLE = register(
    "accounts.notice_undeliverable",
    category="security",
    severity="warning",
    description="A notice to a user could not be mailed within three days.",
)
API_KEY_MADE = register(
    "accounts.api_key_made",
    category="security",
    severity="warning",
    description="An API key was made; the details name its scopes, never the key.",
)
API_KEY_REVOKED = register(
    "accounts.api_key_revoked",
    category="security",
    description="API keys were revoked.",
)
API_KEY_REFUSED = register(
    "accounts.api_key_refused",
    category="security",
    severity="warning",
    description="A known API key was refused: revoked, expired, from elsewhere.",
)
SERVICE_ACCOUNT_MADE = register(
    "accounts.service_account_made",
    category="audit",
    description="An account for a program was made.",
)
SERVICE_ACCOUNT_CHANGED = register(
    "accounts.service_account_changed",
    category="audit",
    description="What is declared of a program was changed.",
)
