"""Thresholds of sign-in; the reference chapter is the source where it names one."""

from datetime import timedelta

# Chapter: "5 failures in 5 minutes -> account_locked".
LOCK_WINDOW = timedelta(minutes=5)
LOCK_AFTER_FAILURES = 5
LOCK_PERIOD = timedelta(minutes=15)
ADDRESS_FAILURES = 30
SUBNET_FAILURES = 100
# Of one app at one address. Apart from those of people: an app that goes on sending a
# token that is over must not lock the office that it runs in out of signing in.
APP_FAILURES = 100

# How many threads of one server may compute a hash, wait for one, wait for the tries
# of others at the same account, and hold a failed answer back. Each is refused beyond.
HASHES_AT_ONCE = 4
HASHES_WAITING = 4
CODE_PLACES = 2
RESET_PLACES = 2
BUSY_SECONDS = 1

# Chapter: time out after 15-30 idle minutes, sign in again after 8-12 hours.
SESSION_IDLE = timedelta(minutes=30)
SESSION_ABSOLUTE = timedelta(hours=12)
# A connected app (phone, voice assistant) with its own, narrower scopes.
GRANT_IDLE = timedelta(days=30)
GRANT_ABSOLUTE = timedelta(days=180)
# Signed-in devices of one person, and connected apps of one person.
MAX_LIVE_SESSIONS = 10
MAX_DEVICE_NAME = 64
# A script that signs in each minute gets one mail an hour about it.
CROWD_NOTICE_PAUSE = timedelta(hours=1)
# A read may go unrecorded for this long, so that requests do not all write.
LAST_SEEN_RESOLUTION = timedelta(minutes=1)
# How long a replaced cookie can still sign out.
SPENT_KEY_LIFE = timedelta(minutes=1)
STEP_UP_FRESH_FOR = timedelta(minutes=5)

# A browser that signed in before is known this long after its last sign-in.
DEVICE_LIFE = timedelta(days=90)
DEVICE_MARK_BYTES = 32
MAX_DEVICE_MARKS = 5  # people who share one browser
MAX_KNOWN_DEVICES = 20
LOCK_NOTICE_PAUSE = timedelta(hours=6)

ACCESS_TOKEN_LIFE = timedelta(minutes=10)
# RFC 6749 section 4.1.2 allows ten minutes; a browser needs seconds.
AUTHORIZATION_CODE_LIFE = timedelta(seconds=60)
REFRESH_RETRY_WINDOW = timedelta(seconds=10)
MAX_TOKEN_BYTES = 8 * 1024
CLOCK_SKEW = timedelta(seconds=5)

CHALLENGE_LIFE = timedelta(minutes=5)
CHALLENGE_TRIES = 5

# Notices: a try a minute at first, an hour apart at last, for three days.
MAIL_LEASE = timedelta(minutes=2)
MAIL_FIRST_PAUSE = timedelta(minutes=1)
MAIL_LONGEST_PAUSE = timedelta(hours=1)
MAIL_GIVE_UP_AFTER = timedelta(days=3)
MAIL_BATCH = 200
RECENT_ACTIVITY = timedelta(days=90)

TOTP_STEP_SECONDS = 30
# RFC 6238 section 5.2: clocks differ, and codes take a moment to type.
TOTP_TOLERANCE_STEPS = 1
TOTP_SECRET_BYTES = 20  # RFC 4226 section 4, R6: 160 bits recommended

# An enrolment is finished within this time, or begun again.
ENROLMENT_LIFE = timedelta(minutes=10)
MAX_FACTORS_OF_A_KIND = 10
# Crockford's base 32: no letter that looks like a digit. 24 of them are 120 bits.
RECOVERY_CODE_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
RECOVERY_CODE_LENGTH = 24
RECOVERY_CODE_GROUP = 6
RECOVERY_CODES = 10
MAX_CODE_LENGTH = 48
MAX_PASSKEY_LENGTH = 16 * 1024
MAX_REASON = 500

MIN_PASSWORD_LENGTH = 12
MAX_PASSWORD_LENGTH = 1024
# The strength library takes no more, and what counts is at the beginning.
SCORED_PASSWORD_LENGTH = 72
MIN_PASSWORD_SCORE = 3
MAX_LOGIN_LENGTH = 320  # RFC 3696: the longest e-mail address

# A mailed link: long enough to read the mail, short enough not to lie around.
INVITATION_LIFE = timedelta(hours=72)
RESET_LIFE = timedelta(minutes=30)
EMAIL_CHANGE_LIFE = timedelta(hours=1)
# How long asking for a reset takes, whoever it is for; and a sign-in that fails.
RESET_ANSWER_SECONDS = 0.3
FAILURE_ANSWER_SECONDS = 0.15
# More links than this in an hour are not mailed to one person.
LINKS_AN_HOUR = 5

# How long a browser may be away at an identity provider.
PROVIDER_PATIENCE = timedelta(minutes=10)
CHANNEL_CODE_LIFE = timedelta(minutes=10)

# API keys. A year is long enough to be replaced, short enough not to be forgotten.
KEY_MAX_LIFE = timedelta(days=365)
KEY_DAYS = 90
KEYS_PER_ACCOUNT = 10
KEY_MESSAGES_PER_MINUTE = 60
KEY_MOST_MESSAGES_PER_MINUTE = 600
MAX_KEY_NAME = 60
MAX_KEY_SCOPES = 50
MAX_KEY_NETWORKS = 20
# Tries that a lock refuses leave so many events in this time; one counts the others.
BLOCKED_EVENTS_PAUSE = timedelta(minutes=1)
BLOCKED_EVENTS_OF_A_NETWORK = 10
BLOCKED_EVENTS_OF_AN_ACCOUNT = 10
# A refusal of a known key leaves evidence at most this often.
KEY_REFUSAL_RESOLUTION = timedelta(minutes=1)

# RFC 8176 names of authentication methods.
PASSWORD = "pwd"  # noqa: S105 - a method, not a password
ONE_TIME_CODE = "otp"
PROOF_OF_POSSESSION = "pop"
SECOND_FACTOR = "mfa"
FEDERATED = "fed"  # not in RFC 8176: an identity provider vouched for the person

CODE_REQUIRED_MESSAGE = (
    "This operation requires additional verification. "
    "Please enter the code from your authenticator app."
)
INVALID_CODE_MESSAGE = "Invalid verification code"
NOT_SIGNED_IN_MESSAGE = "Please log in to use the chatbot"
INVALID_CREDENTIALS_MESSAGE = "Wrong user name or password."
BUSY_MESSAGE = (
    "Too many passwords are being checked at this moment. Please try again in a second."
)
APP_REFUSED_MESSAGE = "This app was refused too often. Please wait."
LOCKED_MESSAGE = "Too many failed sign-ins. Please wait before the next try."
