"""Settings, from the environment only. `docs/reference/settings.md` lists them."""

import os
import sys
from pathlib import Path
from urllib.parse import urlsplit

import environ

from chatsec import installation
from chatsec.conf import api, browsers, logs, oauth
from chatsec.core.errors import Invalid
from chatsec.core.networks import parse_networks
from chatsec.engines import databases, engines

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()

# --- This installation -------------------------------------------------------------

UNDER_TEST = "pytest" in sys.modules
CHATSEC_ENV = "test" if UNDER_TEST else env.str("CHATSEC_ENV", "development")
PRODUCTION = CHATSEC_ENV == "production"
if CHATSEC_ENV not in {"development", "test", "production"}:
    raise installation.MissingSetting("CHATSEC_ENV", "is not development or production")

CHATSEC_DATA_DIR = Path(env.str("CHATSEC_DATA_DIR", str(BASE_DIR / ".data"))).resolve()
if UNDER_TEST:
    # Workers of a parallel run have engines of their own: one's open transaction would
    # make the other's sealer wait, and both would count in one cache.
    CHATSEC_DATA_DIR /= env.str("PYTEST_XDIST_WORKER", "")
PORT = env.int("PORT", 8000)
CHATSEC_PUBLIC_URL = env.str("CHATSEC_PUBLIC_URL", f"http://localhost:{PORT}")
CHATSEC_ORGANISATION = env.str("CHATSEC_ORGANISATION", "Demo Organisation")
# TLS is what production sits behind; `make run` speaks plain http on loopback.
CHATSEC_TLS = env.bool("CHATSEC_TLS", PRODUCTION)
# How many proxies in front may be believed about the client's address.
CHATSEC_TRUSTED_PROXIES = env.int("CHATSEC_TRUSTED_PROXIES", 0)
# Who may read /metrics, as networks.
CHATSEC_METRICS_NETWORKS = env.list(
    "CHATSEC_METRICS_NETWORKS", default=["127.0.0.0/8", "::1/128"]
)

# What outgoing calls may reach although it lies inside, as `host:port`.
CHATSEC_OUTBOUND_ALLOWED = frozenset(env.list("CHATSEC_OUTBOUND_ALLOWED", default=[]))
# Whom outgoing calls believe about certificates, where it is not the public CAs.
CHATSEC_OUTBOUND_CA_FILE = env.str("CHATSEC_OUTBOUND_CA_FILE", "")

# Which country an address is in: a file in the MaxMind DB format.
CHATSEC_GEOIP_FILE = env.str("CHATSEC_GEOIP_FILE", "")

# Whom security.txt names: e-mail addresses, https: or tel: URIs.
CHATSEC_SECURITY_CONTACT = env.list("CHATSEC_SECURITY_CONTACT", default=[])

# From where the admin site can be opened, as networks; none named: from anywhere.
CHATSEC_ADMIN_NETWORKS = env.list("CHATSEC_ADMIN_NETWORKS", default=[])
try:
    parse_networks(CHATSEC_ADMIN_NETWORKS)
except Invalid as error:
    raise installation.MissingSetting("CHATSEC_ADMIN_NETWORKS", str(error)) from error

_secrets = installation.load(os.environ, CHATSEC_DATA_DIR, environment=CHATSEC_ENV)
SECRET_KEY = _secrets.secret_key
CHATSEC_DATA_KEY = _secrets.data_key
CHATSEC_KEY_ENCRYPTION_KEYS = _secrets.key_encryption_keys
CHATSEC_TOKEN_KEYS = _secrets.token_keys
CHATSEC_TOKEN_KEY_TIMES = _secrets.token_key_times
CHATSEC_SEAL_KEYS = _secrets.seal_keys

DEBUG = False
ALLOWED_HOSTS = env.list(
    "CHATSEC_ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"]
)
if PRODUCTION and "CHATSEC_ALLOWED_HOSTS" not in os.environ:
    raise installation.MissingSetting("CHATSEC_ALLOWED_HOSTS")
if UNDER_TEST:
    ALLOWED_HOSTS = [*ALLOWED_HOSTS, "testserver"]

# --- Engines -----------------------------------------------------------------------

_engines = engines(env, CHATSEC_DATA_DIR, under_test=UNDER_TEST)
DATABASES = databases(_engines)
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
BUSINESS_DATABASE_URL = _engines.business_url
BUSINESS_OWNER_DATABASE_URL = _engines.business_owner_url
REDIS_URL = _engines.cache_url
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": _engines.cache_url,
        "KEY_PREFIX": "chatsec",
    }
}

# --- Applications ------------------------------------------------------------------

INSTALLED_APPS = [
    "chatsec.core",
    "chatsec.site",
    "chatsec.demo",
    "chatsec.drill",
    "auditlog",
    "accounts",
    "rbac",
    "privacy",
    "chat",
    "chatsec.site.apps.ChatsecAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django.forms",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "guardian",
    "django_otp",
    "oauth2_provider",
    "chatsec.site.apps.AttemptsConfig",
    "csp",
]

MIDDLEWARE = [
    "chatsec.core.metrics.MetricsMiddleware",
    "chatsec.core.middleware.RequestContextMiddleware",
    # Above all that may answer by itself, or the answer would go without.
    "chatsec.core.middleware.SecurityHeadersMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "chatsec.core.plain_http.PlainHttpMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    # Outside of CommonMiddleware, which would tell by a redirect that there is a page.
    "chatsec.core.networks.AdminNetworksMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "chatsec.core.pages.PageMethodsMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django_otp.middleware.OTPMiddleware",
    "accounts.middleware.SessionActorMiddleware",
    "rbac.middleware.PolicyStampMiddleware",
    "accounts.middleware.RequiredFactorMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "axes.middleware.AxesMiddleware",
    "chatsec.core.pages.RefusalMiddleware",
]

ROOT_URLCONF = "chatsec.urls"
WSGI_APPLICATION = "chatsec.wsgi.application"
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "chatsec.core.pages.organisation",
            ],
        },
    },
]

# --- The doors between layers ------------------------------------------------------

CHATSEC_SUBJECT_KEYS = "privacy.services.keys.DatabaseSubjectKeys"
CHATSEC_SESSION_FACTS = "rbac.session_facts.PolicyStamps"
CHATSEC_REDACTOR = "privacy.pii.redact"
# Asked before an account is closed; raises what speaks against it.
CHATSEC_BEFORE_CLOSING = "rbac.services.governance.refuse_closing_last_administrator"
# Asked before somebody changes an account or takes its factors away, and before he
# makes a key for a program; raise what speaks against it.
CHATSEC_BEFORE_MANAGING = "rbac.services.seniority.refuse_managing"
CHATSEC_BEFORE_LENDING = "rbac.services.seniority.refuse_lending"
# Returns the user of a session that still stands: asked again while an answer streams.
CHATSEC_SIGNED_IN = "accounts.selectors.find_signed_in"
# Which accounts ask more than a person does, and how much is expected of them.
CHATSEC_DECLARED_VOLUMES = "accounts.selectors.declared_volumes"
# What a key or an app can be given of somebody's permissions.
CHATSEC_OFFERED_SCOPES = "rbac.services.offers.offered_scopes"
# Which roles somebody has today; None where they are not shown to who asks.
CHATSEC_HELD_ROLES = "rbac.services.holding.held_roles"
# Whether everybody needs a second factor, or only whose roles ask for one.
CHATSEC_REQUIRE_SECOND_FACTOR = env.bool("CHATSEC_REQUIRE_SECOND_FACTOR", False)
CHATSEC_REQUIRED_FACTORS = "rbac.services.required_factors.requires_factor"
CHATSEC_TASK_SENDER = "chatsec.celery.send"
# Whose data a legal hold keeps: a context manager, in which no hold is added.
CHATSEC_AUDIT_HOLDS = "privacy.services.retention.standing_holds"
# The same to be shown: without keeping new ones from being placed.
CHATSEC_AUDIT_HELD = "privacy.selectors.held_subjects"
CHATSEC_READINESS_CHECKS = {"sealer": "auditlog.selectors.is_sealed"}
CHATSEC_ERROR_RECORDER = "auditlog.services.record_error"
CHATSEC_DENIAL_RECORDER = "auditlog.services.record_denial"
# These take new rows only; the columns named are the database's own to fill.
CHATSEC_APPEND_ONLY_TABLES = {
    "auditlog_event": ["xid", "epoch"],
    "privacy_consentevent": [],
}
# The sealer's, which works as the retention role.
CHATSEC_READ_ONLY_TABLES = ["auditlog_seal", "auditlog_anchor", "django_migrations"]
# How much evidence waits on disk at most while the database is away.
CHATSEC_SPOOL_MAX_BYTES = env.int("CHATSEC_SPOOL_MAX_BYTES", 64 * 1024 * 1024)
# What a test leaves there is no evidence of this installation.
CHATSEC_SPOOL_DIR = CHATSEC_DATA_DIR / ("test/spool" if UNDER_TEST else "spool")
CHATSEC_GAUGES = {
    "chatsec_audit_spool_records": "auditlog.selectors.spooled_records",
    "chatsec_audit_spool_dead": "auditlog.selectors.dead_records",
    "chatsec_country_file_readable": "chatsec.core.countries.are_known",
    "chatsec_incidents_unresolved": "auditlog.selectors.measured.unresolved_incidents",
    "chatsec_incidents_oldest_unacknowledged_seconds": (
        "auditlog.selectors.measured.oldest_unacknowledged_seconds"
    ),
    "chatsec_audit_stream_lag_events": "auditlog.selectors.measured.stream_lag_events",
    "chatsec_audit_stream_lag_seconds": (
        "auditlog.selectors.measured.stream_lag_seconds"
    ),
    "chatsec_detection_scan_seconds": "auditlog.selectors.measured.scan_seconds",
    "chatsec_detection_scan_age_seconds": (
        "auditlog.selectors.measured.scan_age_seconds"
    ),
    "chatsec_detection_rules_failing": "auditlog.selectors.measured.failing_rules",
}
PARTITION_SCHEMA = "audit_parts"
# Where the head of the audit log is left every five minutes: file:, log:, syslog://,
# mailto:, https://. In production two at least outside of this machine.
CHATSEC_AUDIT_ANCHORS = env.list(
    "CHATSEC_AUDIT_ANCHORS",
    default=[f"file:{CHATSEC_DATA_DIR}/anchors/heads.jsonl", "log:"],
)
# What signs the heads that go to an https: anchor; both sides hold it.
CHATSEC_AUDIT_ANCHOR_SECRET = env.str("CHATSEC_AUDIT_ANCHOR_SECRET", "")

# --- Who is who --------------------------------------------------------------------

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "accounts.backends.PasswordBackend",
    "rbac.backends.RoleBackend",
]
PASSWORD_HASHERS = ["accounts.hashers.Argon2idHasher"]
if UNDER_TEST:
    PASSWORD_HASHERS.insert(0, "django.contrib.auth.hashers.MD5PasswordHasher")
AUTH_PASSWORD_VALIDATORS = [{"NAME": "accounts.passwords.PasswordPolicy"}]
LOGIN_URL = "sign-in"
LOGIN_REDIRECT_URL = "chat"
LOGOUT_REDIRECT_URL = "sign-in"
ANONYMOUS_USER_NAME = None
GUARDIAN_RAISE_403 = True
# guardian stores the object permissions; `rbac.backends.RoleBackend` reads them.
SILENCED_SYSTEM_CHECKS = ["guardian.W001"]

# Lockout is chatsec's own atomic reservation; axes keeps the ledger behind it.
AXES_HANDLER = "accounts.ledger.SignInLedger"
AXES_USERNAME_CALLABLE = "accounts.ledger.ledger_name"
AXES_CLIENT_IP_CALLABLE = "accounts.ledger.ledger_address"
AXES_LOCK_OUT_AT_FAILURE = False
AXES_DISABLE_ACCESS_LOG = True
AXES_VERBOSE = False

# OAuth 2.0 and OpenID Connect for connected apps. The library speaks the protocol;
# codes, tokens and sessions are chatsec's own (docs/adr/0013-connected-apps.md).
OAUTH2_PROVIDER_APPLICATION_MODEL = "accounts.OAuthApplication"
OAUTH2_PROVIDER = oauth.provider(issuer=CHATSEC_PUBLIC_URL)

# --- Sessions, cookies, headers ----------------------------------------------------

_prefix = "__Host-" if CHATSEC_TLS else ""
SESSION_ENGINE = "accounts.session_store"
SESSION_COOKIE_NAME = f"{_prefix}session"
SESSION_COOKIE_AGE = 12 * 60 * 60
SESSION_COOKIE_SECURE = CHATSEC_TLS
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
CSRF_COOKIE_NAME = f"{_prefix}csrf"
CSRF_COOKIE_SECURE = CHATSEC_TLS
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_SAMESITE = "Lax"
# Which browsers somebody has signed in on before; it signs nobody in.
CHATSEC_DEVICE_COOKIE = f"{_prefix}device"
CSRF_FAILURE_VIEW = "chatsec.core.pages.csrf_failure"
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"

SECURE_SSL_REDIRECT = CHATSEC_TLS
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$", r"^metrics$"]
SECURE_HSTS_SECONDS = 2 * 365 * 24 * 60 * 60 if CHATSEC_TLS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = CHATSEC_TLS
SECURE_HSTS_PRELOAD = CHATSEC_TLS
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
if CHATSEC_TRUSTED_PROXIES:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
X_FRAME_OPTIONS = "DENY"

CONTENT_SECURITY_POLICY = browsers.CONTENT_SECURITY_POLICY
REPORTING_ENDPOINTS = browsers.REPORTING_ENDPOINTS

# --- The API -----------------------------------------------------------------------

REST_FRAMEWORK = api.REST_FRAMEWORK
SPECTACULAR_SETTINGS = api.SPECTACULAR_SETTINGS
DATA_UPLOAD_MAX_MEMORY_SIZE = 256 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 1000

# --- Celery ------------------------------------------------------------------------

CELERY_BROKER_URL = _engines.broker_url
CELERY_TASK_SERIALIZER = CELERY_RESULT_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_TIME_LIMIT = 30 * 60
CELERY_TASK_SOFT_TIME_LIMIT = 29 * 60
# Longer than the longest task, or a task that still runs is handed out twice.
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 2 * CELERY_TASK_TIME_LIMIT,
    "unacked_restore_interval": 1,
}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TIMEZONE = "UTC"
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TASK_ALWAYS_EAGER = False

# --- Mail --------------------------------------------------------------------------

EMAIL_TIMEOUT = 10
CHATSEC_OUTBOX = not PRODUCTION and "EMAIL_URL" not in os.environ
if CHATSEC_OUTBOX:
    EMAIL_BACKEND = "accounts.outbox.OutboxBackend"
elif "EMAIL_URL" in os.environ:
    vars().update(env.email("EMAIL_URL"))
else:
    raise installation.MissingSetting("EMAIL_URL")
DEFAULT_FROM_EMAIL = SERVER_EMAIL = env.str(
    "CHATSEC_MAIL_FROM", f"chatsec@{urlsplit(CHATSEC_PUBLIC_URL).hostname}"
)

# --- Language, time, static files, logs --------------------------------------------

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
# One password a line: more that nobody may choose, such as a list of leaked ones.
CHATSEC_COMMON_PASSWORDS = env.str("CHATSEC_COMMON_PASSWORDS", "")
# Words that no password may have in it: names of products, places, subsidiaries.
CHATSEC_PASSWORD_WORDS = env.list("CHATSEC_PASSWORD_WORDS", default=[])
# The zone in which "business hours" are meant.
CHATSEC_TIME_ZONE = env.str("CHATSEC_TIME_ZONE", "UTC")
USE_I18N = True
USE_TZ = True

STATIC_URL = "/static/"
STATIC_ROOT = Path(
    env.str("CHATSEC_STATIC_ROOT", str(CHATSEC_DATA_DIR / "staticfiles"))
)
STATICFILES_DIRS = [BASE_DIR / "static"]
# A file that is edited is served as edited, not as it was at the start.
# No other site has a use for our files.
WHITENOISE_ALLOW_ALL_ORIGINS = False
WHITENOISE_USE_FINDERS = WHITENOISE_AUTOREFRESH = not PRODUCTION
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
        if PRODUCTION
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}

LOGGING = logs.logging(level=env.str("CHATSEC_LOG_LEVEL", "INFO"))
