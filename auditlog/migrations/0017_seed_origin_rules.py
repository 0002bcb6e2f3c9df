"""Rules that look at where somebody acts from: nobody there before is a sign."""

from django.db import migrations

HOUR, DAY = 3600, 86400
FAILED = ["accounts.sign_in_failed", "accounts.second_factor_failed"]
CODES = ["accounts.second_factor_failed"]
SIGNED_IN = ["accounts.signed_in"]
ASKED_OR_READ = ["chatbot_query", "data_access"]

# name, title, suspicion, kind, group, window, severity, runbook, risk, parameters
SIGN_INS = [
    (
        "sign_in_failures_of_strangers",
        "More than 2 failed sign-ins of one account from unknown networks in 24 hours",
        "Somebody who is not the owner guesses",
        "event_count", "subject", DAY, "warning", "failed_sign_ins", 0,
        {"events": FAILED, "more_than": 2, "origin": "unknown"},
    ),
    (
        "sign_in_failures_of_strangers_in_3_days",
        "More than 3 failed sign-ins of one account from unknown networks in 3 days",
        "Somebody who is not the owner guesses, slowly",
        "event_count", "subject", 3 * DAY, "warning", "failed_sign_ins", 0,
        {"events": FAILED, "more_than": 3, "origin": "unknown"},
    ),
    (
        "sign_in_failure_of_a_stranger",
        "A failed sign-in from an unknown network",
        "Somebody who is not the owner guesses",
        "event_count", "subject", HOUR, "notice", "failed_sign_ins", 20,
        {"events": FAILED, "more_than": 0, "origin": "unknown"},
    ),
    (
        "second_factor_failures_of_strangers_sign_in",
        "2 wrong codes after the right password, from unknown networks in 24 hours",
        "Somebody who is not the owner has the password",
        "event_count", "subject", DAY, "error", "failed_sign_ins", 0,
        {"events": CODES, "more_than": 1, "origin": "unknown"},
    ),
    (
        "second_factor_failure_of_a_stranger_sign_in",
        "A wrong code after the right password, from an unknown network",
        "Somebody who is not the owner has the password",
        "event_count", "subject", HOUR, "warning", "failed_sign_ins", 40,
        {"events": CODES, "more_than": 0, "origin": "unknown"},
    ),
    (
        "second_factor_failures_sign_in",
        "More than 4 wrong codes after the right password in 24 hours",
        "Somebody has the password, and guesses codes",
        "event_count", "subject", DAY, "warning", "failed_sign_ins", 0,
        {"events": CODES, "more_than": 4},
    ),
    (
        "spray_of_a_stranger",
        "One unknown network fails to sign in as 3 people in 24 hours",
        "A few passwords are tried on many accounts, slowly",
        "value_count", "network", DAY, "error", "failed_sign_ins", 0,
        {"events": FAILED, "value": "subject", "more_than": 2, "origin": "unknown"},
    ),
    (
        "sign_in_names_tried_of_a_stranger",
        "More than 10 failed sign-ins of one unknown network in 24 hours",
        "Names or passwords are guessed; the names need not exist",
        "event_count", "network", DAY, "warning", "failed_sign_ins", 0,
        {"events": FAILED, "more_than": 10, "origin": "unknown"},
    ),
    (
        "spray_of_strangers_in_1_hour",
        "More than 3 people fail to sign in from unknown networks in an hour",
        "A few passwords are tried on many accounts, from everywhere",
        "value_count", "everyone", HOUR, "error", "failed_sign_ins", 0,
        {
            "events": FAILED, "value": "subject", "more_than": 3,
            "origin": "unknown", "times_usual_day": 1,
        },
    ),
    (
        "spray_of_strangers_in_24_hours",
        "More than 4 people fail to sign in from unknown networks in 24 hours",
        "A few passwords are tried on many accounts, slowly and from everywhere",
        "value_count", "everyone", DAY, "error", "failed_sign_ins", 0,
        {
            "events": FAILED, "value": "subject", "more_than": 4,
            "origin": "unknown", "times_usual_day": 3,
        },
    ),
    (
        "spray_of_strangers_in_3_days",
        "More than 6 people fail to sign in from unknown networks in 3 days",
        "A few passwords are tried on many accounts, slowly and from everywhere",
        "value_count", "everyone", 3 * DAY, "error", "failed_sign_ins", 0,
        {
            "events": FAILED, "value": "subject", "more_than": 6,
            "origin": "unknown", "times_usual_day": 6,
        },
    ),
    (
        "sign_in_after_failures_of_strangers",
        "Signed in from an unknown network after 2 failures from such",
        "A guess was right",
        "temporal_ordered", "actor", DAY, "error", "failed_sign_ins", 0,
        {
            "first": {
                "events": FAILED, "by": "subject", "at_least": 2, "origin": "unknown",
            },
            "then": {"events": SIGNED_IN, "by": "actor", "origin": "unknown"},
        },
    ),
    (
        "sign_in_after_a_failure_of_a_stranger",
        "Signed in from an unknown network after a failure from such",
        "A guess was right",
        "temporal_ordered", "actor", DAY, "notice", "failed_sign_ins", 20,
        {
            "first": {"events": FAILED, "by": "subject", "origin": "unknown"},
            "then": {"events": SIGNED_IN, "by": "actor", "origin": "unknown"},
        },
    ),
]
PLACES = [
    (
        "new_device_in_unknown_network",
        "Signed in with a new device from an unknown network",
        "Somebody else has the password",
        "new_value", "actor", HOUR, "warning", "new_origin", 0,
        {
            "events": SIGNED_IN, "value": "device", "days": 30, "after_events": 3,
            "origin": "unknown",
        },
    ),
    (
        "session_from_unknown_network",
        "Acted from an unknown network without having signed in there",
        "A session or token was stolen, or somebody took his along on a journey",
        "event_count", "actor", HOUR, "warning", "new_origin", 45,
        {
            "events": ASKED_OR_READ, "more_than": 0, "actor_kind": "user",
            "origin": "unknown",
        },
    ),
    (
        "program_from_new_network",
        "A program acts from a network that it never used",
        "Its key leaked",
        "event_count", "actor", HOUR, "error", "new_origin", 0,
        {
            "events": ASKED_OR_READ, "more_than": 0, "actor_kind": "service",
            "origin": "not_own",
        },
    ),
    (
        "unknown_network_and_own_network",
        "In a new and unknown network, and within an hour in one's usual one",
        "Two people use the account",
        "temporal_ordered", "actor", HOUR, "error", "new_origin", 0,
        {
            "first": {
                "events": [*SIGNED_IN, *ASKED_OR_READ], "by": "actor",
                "origin": "unknown", "settles_after_hours": 24,
            },
            "then": {
                "events": [*SIGNED_IN, *ASKED_OR_READ], "by": "actor",
                "origin": "own", "settles_after_hours": 24,
            },
        },
    ),
    (
        "records_from_unknown_network",
        "Read more than 500 records from a new and unknown network in 24 hours",
        "Data is carried off by somebody else",
        "value_sum", "actor", DAY, "notice", "new_origin", 35,
        {
            "events": ["data_access"], "more_than": 500, "origin": "unknown",
            "settles_after_hours": 24,
        },
    ),
    (
        "dormant_account_unknown_network",
        "Came back after 21 days, from an unknown network",
        "An account that nobody minds is used by somebody else",
        "dormant", "actor", DAY, "error", "odd_hours", 0,
        {"events": SIGNED_IN, "days": 21, "at_least": 1, "origin": "unknown"},
    ),
]
COLUMNS = (
    "name", "title", "suspicion", "kind", "group", "window_seconds", "severity",
    "runbook", "risk", "parameters",
)


def seed(apps, schema_editor):
    """Add what is not there: a rule of the same name is an administrator's own."""
    rules = apps.get_model("auditlog", "DetectionRule").objects.using(
        schema_editor.connection.alias
    )
    for row in SIGN_INS + PLACES:
        values = dict(zip(COLUMNS, row, strict=True))
        rules.get_or_create(name=values.pop("name"), defaults=values)


def unseed(apps, schema_editor):
    names = [row[0] for row in SIGN_INS + PLACES]
    apps.get_model("auditlog", "DetectionRule").objects.using(
        schema_editor.connection.alias
    ).filter(name__in=names).delete()


class Migration(migrations.Migration):
    dependencies = [("auditlog", "0016_known_places")]
    operations = [migrations.RunPython(seed, unseed)]
