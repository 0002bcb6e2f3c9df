"""Rules that look at where somebody acts from: nobody there before is a sign."""

from django.db import migrations

HOUR, DAY = 3600, 86400
FAILED = ["accounts.sign_in_failed", "accounts.second_factor_failed"]
CODES = ["accounts.second_factor_failed"]
SIGNED_IN = ["accounts.signed_in"]
RESET = ["accounts.password_reset_asked"]
ASKED_OR_READ = ["chatbot_query", "data_access"]
# What somebody changes who wants to stay.
MEANS = [
    "accounts.password_set", "accounts.email_change_asked", "accounts.factor_enrolled",
    "accounts.factor_removed", "accounts.recovery_codes_made",
    "accounts.recovery_code_used", "accounts.api_key_made", "accounts.identity_linked",
    "accounts.app_consent_given",
]
POWER = [
    "rbac.role_assigned", "rbac.role_changed", "rbac.object_permission_granted",
    "rbac.break_glass_activated", "accounts.service_account_made",
    "accounts.service_account_changed", "accounts.factors_reset",
    "auditlog.rule_changed", "auditlog.rule_disabled", "auditlog.rule_deleted",
    "auditlog.exception_made",
]
EXPORTED = ["privacy.export_downloaded", "auditlog.export_started"]

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
        "sign_in_failures_of_strangers_in_7_days",
        "More than 3 failed sign-ins of one account from unknown networks in 7 days",
        "Somebody who is not the owner guesses, slowly",
        "event_count", "subject", 7 * DAY, "warning", "failed_sign_ins", 0,
        {"events": FAILED, "more_than": 3, "origin": "unknown"},
    ),
    (
        "sign_in_failure_of_a_stranger",
        "A failed sign-in from an unknown network",
        "Somebody who is not the owner guesses",
        "event_count", "subject", HOUR, "notice", "failed_sign_ins", 10,
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
        "More than 5 failed sign-ins of one unknown network in 24 hours",
        "Names or passwords are guessed; the names need not exist",
        "event_count", "network", DAY, "warning", "failed_sign_ins", 0,
        {"events": FAILED, "more_than": 5, "origin": "unknown"},
    ),
    (
        "spray_of_strangers_in_1_hour",
        "More than 2 people fail to sign in from unknown networks in an hour",
        "A few passwords are tried on many accounts, from everywhere",
        "value_count", "everyone", HOUR, "error", "failed_sign_ins", 0,
        {
            "events": FAILED, "value": "subject", "more_than": 2,
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
        "reset_asked_sign_in_of_a_stranger",
        "A new password was asked for from an unknown network",
        "Somebody who is not the owner tries to get in",
        "event_count", "subject", DAY, "notice", "failed_sign_ins", 25,
        {"events": RESET, "more_than": 0, "origin": "unknown"},
    ),
    (
        "resets_asked_sign_in_of_a_stranger",
        "One unknown network asks for new passwords of 3 people in 24 hours",
        "Somebody who is none of them tries to get in",
        "value_count", "network", DAY, "warning", "failed_sign_ins", 0,
        {"events": RESET, "value": "subject", "more_than": 2, "origin": "unknown"},
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
            "then": {
                "events": SIGNED_IN, "by": "actor", "origin": "unknown", "settled": True,
            },
        },
    ),
]
PLACES = [
    (
        "session_from_unknown_network",
        "Acted from an unknown network without having signed in there",
        "A session or token was stolen, or somebody took his along on a journey",
        "event_count", "actor", HOUR, "warning", "new_origin", 55,
        {
            "events": ASKED_OR_READ, "more_than": 0, "actor_kind": "user",
            "origin": "unknown", "settled": True,
        },
    ),
    (
        "program_from_new_network",
        "A program acts from a network that it never used",
        "Its key leaked",
        "event_count", "actor", HOUR, "error", "new_origin", 0,
        {
            "events": ASKED_OR_READ, "more_than": 0, "actor_kind": "service",
            "origin": "not_own", "settled": True,
        },
    ),
    (
        "to_and_fro_unknown_network",
        "Twice in 24 hours from another network to a new and unknown one within 2 hours",
        "Two people use the account, in two places",
        "event_count", "actor", DAY, "error", "new_origin", 0,
        {
            "events": [*SIGNED_IN, *ASKED_OR_READ], "more_than": 1,
            "origin": "unknown", "settled": True, "settles_after_hours": 24,
            "after_other_network_within": 7200,
        },
    ),
    (
        "records_from_unknown_network",
        "Read more than 500 records from a new and unknown network in 24 hours",
        "Data is carried off by somebody else",
        "value_sum", "actor", DAY, "warning", "new_origin", 0,
        {
            "events": ["data_access"], "more_than": 500, "origin": "unknown", "settled": True,
            "settles_after_hours": 24,
        },
    ),
    (
        "off_hours_unknown_network",
        "In a new and unknown network at an hour at which one is hardly ever there",
        "Somebody else uses the account",
        "off_hours", "actor", 2 * HOUR, "warning", "new_origin", 0,
        {
            "events": [*SIGNED_IN, *ASKED_OR_READ], "share": 0.03, "at_least": 3,
            "after_hours": 30, "origin": "unknown", "settled": True,
            "settles_after_hours": 24,
        },
    ),
    (
        "denials_from_unknown_network",
        "Refused more than twice in 24 hours, in a new and unknown network",
        "Somebody else tries how far the account reaches",
        "event_count", "actor", DAY, "warning", "denials", 0,
        {
            "events": ["authorization_denied"], "more_than": 2, "origin": "unknown",
            "settled": True, "settles_after_hours": 24,
        },
    ),
    (
        "sign_in_means_changed_in_unknown_network",
        "Password, second factor, key or address changed in a new and unknown network",
        "Somebody else makes the account his own",
        "event_count", "subject", DAY, "warning", "new_origin", 0,
        {
            "events": MEANS, "more_than": 0, "origin": "unknown", "settled": True,
            "settles_after_hours": 24,
        },
    ),
    (
        "privilege_used_in_unknown_network",
        "Roles, emergency roles, programs or rules changed in a new and unknown network",
        "An administrator's account is in somebody else's hands",
        "event_count", "actor", DAY, "error", "privilege", 0,
        {
            "events": POWER, "more_than": 0, "origin": "unknown", "settled": True,
            "settles_after_hours": 24,
        },
    ),
    (
        "export_to_unknown_network",
        "A person's data or the audit log exported to a new and unknown network",
        "Data is carried off by somebody else",
        "event_count", "actor", DAY, "warning", "volume", 0,
        {
            "events": EXPORTED, "more_than": 0, "origin": "unknown", "settled": True,
            "settles_after_hours": 24,
        },
    ),
    (
        "dormant_account_unknown_network",
        "Came back after 21 days, from an unknown network",
        "An account that nobody minds is used by somebody else",
        "dormant", "actor", HOUR, "error", "odd_hours", 0,
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
    dependencies = [("auditlog", "0017_known_places")]
    operations = [migrations.RunPython(seed, unseed)]
