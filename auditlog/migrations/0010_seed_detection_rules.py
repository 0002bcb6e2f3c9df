"""The reference chapter's four rules, and what is usual to look for besides."""

from django.db import migrations

MINUTE, HOUR, DAY = 60, 3600, 86400
FAILED = ["accounts.sign_in_failed"]
SIGNED_IN = ["accounts.signed_in"]
READS = ["data_access"]
ASKED = ["chatbot_query"]

# name, title, suspicion, kind, group, window, severity, runbook, risk, parameters
FLOOR = [
    (
        "denials_in_5_minutes",
        "Refused more than 3 times in 5 minutes",
        "Multiple authorization failures",
        "event_count", "actor", 5 * MINUTE, "error", "denials", 0,
        {"events": ["authorization_denied"], "more_than": 3},
    ),
    (
        "denials_in_1_hour",
        "Refused more than 10 times in an hour",
        "Possible privilege escalation attempt",
        "event_count", "actor", HOUR, "error", "denials", 0,
        {"events": ["authorization_denied"], "more_than": 10},
    ),
    (
        "failed_sign_ins_in_5_minutes",
        "5 failed sign-ins in 5 minutes",
        "Somebody guesses a password",
        "event_count", "subject", 5 * MINUTE, "error", "failed_sign_ins", 0,
        {"events": FAILED, "more_than": 4},
    ),
    (
        "queries_in_24_hours",
        "More than 1000 questions in 24 hours",
        "Possible data exfiltration",
        "event_count", "actor", DAY, "error", "volume", 0,
        {"events": ASKED, "more_than": 1000, "yields_to_declared": True},
    ),
]
PLACES = [
    (
        "new_device",
        "Signed in with a device not seen in 30 days",
        "Somebody else has the password",
        "new_value", "actor", HOUR, "notice", "new_origin", 25,
        {"events": SIGNED_IN, "value": "device", "days": 30, "after_events": 3},
    ),
    (
        "new_network",
        "Signed in from a network not seen in 30 days",
        "Somebody else has the password",
        "new_value", "actor", HOUR, "notice", "new_origin", 30,
        {"events": SIGNED_IN, "value": "network", "days": 30, "after_events": 3},
    ),
    (
        "new_country",
        "Signed in from a country not seen in 90 days",
        "Somebody else has the password",
        "new_value", "actor", HOUR, "warning", "new_origin", 35,
        {"events": SIGNED_IN, "value": "country", "days": 90, "after_events": 3},
    ),
    (
        "two_countries_in_30_minutes",
        "In two countries within 30 minutes",
        "Two people use the account",
        "value_count", "actor", 30 * MINUTE, "error", "new_origin", 0,
        {"events": SIGNED_IN + ASKED, "value": "country", "more_than": 1},
    ),
    (
        "session_on_two_devices",
        "One session on two kinds of device",
        "A session was stolen",
        "value_count", "actor", HOUR, "error", "new_origin", 40,
        {"events": ASKED, "value": "device", "more_than": 1, "in_one_session": True},
    ),
]
SIGN_INS = [
    (
        "password_spray_one_network",
        "One network fails to sign in as many people",
        "A few passwords are tried on many accounts",
        "value_count", "network", HOUR, "error", "failed_sign_ins", 0,
        {"events": FAILED, "value": "subject", "more_than": 4,
         "events_at_least": 15, "events_each_at_most": 6},
    ),
    (
        "password_spray_many_networks",
        "Many networks fail to sign in as many people",
        "A few passwords are tried on many accounts, from everywhere",
        "value_count", "everyone", HOUR, "error", "failed_sign_ins", 0,
        {"events": FAILED, "value": "subject", "more_than": 7, "events_at_least": 25,
         "events_each_at_most": 5, "networks_at_least": 5},
    ),
    (
        "credential_stuffing_sign_in",
        "One network tries very many accounts in 15 minutes",
        "Passwords that leaked elsewhere are tried",
        "value_count", "network", 15 * MINUTE, "critical", "failed_sign_ins", 0,
        {"events": FAILED, "value": "subject", "more_than": 14, "events_at_least": 25},
    ),
    (
        "failed_sign_ins_of_one_network",
        "One network fails to sign in more than 30 times in 15 minutes",
        "Names or passwords are guessed; the names need not exist",
        "event_count", "network", 15 * MINUTE, "warning", "failed_sign_ins", 0,
        {"events": FAILED, "more_than": 30},
    ),
    (
        "failed_sign_ins_in_1_hour",
        "More than 5 failed sign-ins of one account in an hour",
        "A password or code is guessed, slower than the lock",
        "event_count", "subject", HOUR, "warning", "failed_sign_ins", 0,
        {"events": FAILED, "more_than": 5},
    ),
    (
        "failed_sign_ins_in_24_hours",
        "20 failed sign-ins of one account in 24 hours",
        "A password is guessed slowly, below the lock",
        "event_count", "subject", DAY, "warning", "failed_sign_ins", 0,
        {"events": FAILED, "more_than": 19},
    ),
    (
        "lockout_storm_sign_in",
        "One account locked 3 times in 3 hours",
        "Somebody does not give up, or wants to keep the owner out",
        "event_count", "subject", 3 * HOUR, "error", "failed_sign_ins", 0,
        {"events": ["security_alert"], "more_than": 2},
    ),
    (
        "sign_in_after_failures",
        "Signed in after 5 failures in 6 hours",
        "A guess was right",
        "temporal_ordered", "actor", 6 * HOUR, "warning", "failed_sign_ins", 40,
        {"first": {"events": FAILED, "by": "subject", "at_least": 5},
         "then": {"events": SIGNED_IN, "by": "actor"}},
    ),
    (
        "sign_in_after_spray",
        "A network signed in after it failed as 8 people",
        "One of many guesses was right",
        "temporal_ordered", "network", HOUR, "critical", "failed_sign_ins", 0,
        {"first": {"events": FAILED, "by": "network", "at_least": 8,
                   "distinct": "subject"},
         "then": {"events": SIGNED_IN, "by": "network"}},
    ),
    (
        "second_factor_guessing_sign_in",
        "10 wrong confirmations in 24 hours",
        "Somebody has the session or password, and guesses codes",
        "event_count", "subject", DAY, "error", "failed_sign_ins", 0,
        {"events": ["accounts.step_up_failed"], "more_than": 9},
    ),
    (
        "second_factor_after_failures_sign_in",
        "Confirmed after 3 wrong answers in 10 minutes",
        "The owner was worn down, or a code guessed",
        "temporal_ordered", "actor", 10 * MINUTE, "warning", "failed_sign_ins", 30,
        {"first": {"events": ["accounts.step_up_failed"], "by": "subject",
                   "at_least": 3},
         "then": {"events": ["accounts.stepped_up", "accounts.password_confirmed"],
                  "by": "actor"}},
    ),
    (
        "token_used_twice_sign_in",
        "A spent token or code was used again",
        "A copy of it is in somebody else's hands",
        "event_count", "subject", HOUR, "critical", "failed_sign_ins", 0,
        {"events": ["accounts.token_reuse", "accounts.code_replayed"], "more_than": 0},
    ),
    (
        "refused_api_keys_sign_in",
        "An API key refused more than 5 times in an hour",
        "A key leaked, or a program was forgotten",
        "event_count", "subject", HOUR, "warning", "failed_sign_ins", 0,
        {"events": ["accounts.api_key_refused"], "more_than": 5},
    ),
]
DATA = [
    (
        "denials_of_many_permissions",
        "Refused 4 different permissions in 24 hours",
        "Somebody tries how far the account reaches",
        "value_count", "actor", DAY, "error", "denials", 0,
        {"events": ["authorization_denied"], "value": "resource", "more_than": 3},
    ),
    (
        "denials_in_24_hours",
        "Refused more than 5 times in 24 hours",
        "Somebody tries how far the account reaches, slowly",
        "event_count", "actor", DAY, "warning", "denials", 0,
        {"events": ["authorization_denied"], "more_than": 5},
    ),
    (
        "denials_in_3_days",
        "Refused more than 8 times in 3 days",
        "Somebody tries how far the account reaches, slowly",
        "event_count", "actor", 3 * DAY, "warning", "denials", 0,
        {"events": ["authorization_denied"], "more_than": 8},
    ),
    (
        "denials_above_usual",
        "Refused far more often than usual",
        "Somebody tries how far the account reaches, slowly",
        "baseline", "actor", DAY, "warning", "denials", 35,
        {"metric": "denials", "spreads": 4, "at_least": 6},
    ),
    (
        "many_records_queries_in_10_minutes",
        "More than 11 different record sets in 10 minutes",
        "Everything that can be read is read",
        "value_count", "actor", 10 * MINUTE, "warning", "volume", 35,
        {"events": READS, "value": "resource", "more_than": 11},
    ),
    (
        "records_in_1_hour_above_usual",
        "Read far more records in an hour than usual",
        "Data is carried off",
        "baseline", "actor", HOUR, "error", "volume", 0,
        {"metric": "records", "spreads": 6, "at_least": 1500},
    ),
    (
        "records_in_1_hour_above_some",
        "Read more records in an hour than usual",
        "Data is carried off",
        "baseline", "actor", HOUR, "notice", "volume", 40,
        {"metric": "records", "spreads": 3, "at_least": 100},
    ),
    (
        "records_in_24_hours_above_usual",
        "Read far more records in 24 hours than usual",
        "Data is carried off",
        "baseline", "actor", DAY, "error", "volume", 0,
        {"metric": "records", "spreads": 5, "at_least": 500},
    ),
    (
        "record_sets_above_usual",
        "Read more different record sets in an hour than usual",
        "Somebody looks around",
        "baseline", "actor", HOUR, "notice", "volume", 30,
        {"metric": "resources", "spreads": 3.5, "at_least": 5},
    ),
    (
        "queries_in_1_hour_above_usual",
        "Asked far more in an hour than usual",
        "A program uses the account",
        "baseline", "actor", HOUR, "warning", "volume", 35,
        {"metric": "queries", "spreads": 4, "at_least": 40},
    ),
    (
        "queries_in_24_hours_above_usual",
        "Asked far more in 24 hours than usual",
        "A program uses the account",
        "baseline", "actor", DAY, "warning", "volume", 0,
        {"metric": "queries", "spreads": 5, "at_least": 150},
    ),
    (
        "records_rising_slowly",
        "Reads a little more records every day",
        "Data is carried off in small parts",
        "drift", "actor", 10 * DAY, "warning", "volume", 0,
        {"metric": "records", "days": 10, "slack": 1, "threshold": 8,
         "at_least": 100},
    ),
    (
        "queries_rising_slowly",
        "Asks a little more every day",
        "Data is carried off in small parts",
        "drift", "actor", 10 * DAY, "warning", "volume", 0,
        {"metric": "queries", "days": 10, "slack": 1, "threshold": 8,
         "at_least": 30},
    ),
    (
        "off_hours",
        "Busy in a part of the week without any custom of it",
        "Somebody else uses the account",
        "off_hours", "actor", 2 * HOUR, "notice", "odd_hours", 30,
        {"events": ASKED + READS, "share": 0.03, "at_least": 5, "after_hours": 30},
    ),
    (
        "off_hours_reads",
        "Read much in a part of the week without any custom of it",
        "Somebody else uses the account",
        "off_hours", "actor", 2 * HOUR, "warning", "odd_hours", 0,
        {"events": READS, "share": 0.03, "at_least": 10, "after_hours": 30},
    ),
    (
        "record_reads_in_1_hour",
        "More than 30 reads of records in an hour",
        "A program uses the account",
        "event_count", "actor", HOUR, "warning", "volume", 0,
        {"events": READS, "more_than": 30, "yields_to_declared": True},
    ),
    (
        "dormant_account_reads",
        "Came back after 21 days and read records",
        "An account that nobody minds is used by somebody else",
        "dormant", "actor", 3 * DAY, "error", "odd_hours", 0,
        {"events": READS, "days": 21, "at_least": 20, "sum": "result_count"},
    ),
]
POWER = [
    (
        "privilege_then_records",
        "Given a role or permission, then read 200 records within 24 hours",
        "Rights were raised to carry data off",
        "temporal_ordered", "actor", DAY, "warning", "privilege", 40,
        {"first": {"events": ["rbac.role_assigned", "rbac.object_permission_granted"],
                   "by": "subject"},
         "then": {"events": READS, "by": "actor", "at_least": 200,
                  "sum": "result_count"}},
    ),
    (
        "privilege_break_glass",
        "An emergency role was activated",
        "Each use of an emergency role is looked at",
        "event_count", "actor", HOUR, "warning", "privilege", 0,
        {"events": ["rbac.break_glass_activated"], "more_than": 0},
    ),
    (
        "privilege_many_roles",
        "More than 20 roles given in an hour",
        "An administrator's account is misused",
        "event_count", "actor", HOUR, "warning", "privilege", 0,
        {"events": ["rbac.role_assigned", "rbac.object_permission_granted"],
         "more_than": 20},
    ),
    (
        "audit_rule_switched_off",
        "A detection rule was switched off or deleted",
        "Somebody blinds the watch first",
        "event_count", "actor", HOUR, "error", "general", 0,
        {"events": ["auditlog.rule_disabled", "auditlog.rule_deleted"],
         "more_than": 0},
    ),
    (
        "audit_exceptions",
        "More than 3 exceptions from rules in an hour",
        "Somebody blinds the watch first",
        "event_count", "actor", HOUR, "warning", "general", 0,
        {"events": ["auditlog.exception_made"], "more_than": 3},
    ),
    (
        "audit_export",
        "The audit log was exported more than 3 times in 24 hours",
        "Somebody studies how he is watched",
        "event_count", "actor", DAY, "warning", "general", 0,
        {"events": ["auditlog.export_started"], "more_than": 3},
    ),
    (
        "blocked_message",
        "A message was blocked",
        "Somebody tries to get round the chatbot's rules",
        "event_count", "actor", HOUR, "notice", "general", 20,
        {"events": ["chat.message_blocked"], "more_than": 0},
    ),
    (
        "blocked_messages",
        "More than 3 messages blocked in an hour",
        "Somebody tries to get round the chatbot's rules",
        "event_count", "actor", HOUR, "error", "general", 0,
        {"events": ["chat.message_blocked"], "more_than": 3},
    ),
    (
        "risk",
        "Several weak signs within a day",
        "Each alone means little; together they are somebody else, or a plan",
        "risk", "actor", DAY, "error", "general", 0,
        {"at_least": 70},
    ),
]
COLUMNS = (
    "name", "title", "suspicion", "kind", "group", "window_seconds", "severity",
    "runbook", "risk", "parameters",
)


def seed(apps, schema_editor):
    rules = apps.get_model("auditlog", "DetectionRule").objects.using(
        schema_editor.connection.alias
    )
    for is_floor, rows in ((True, FLOOR), (False, PLACES + SIGN_INS + DATA + POWER)):
        for row in rows:
            values = dict(zip(COLUMNS, row, strict=True))
            rules.update_or_create(
                name=values.pop("name"), defaults={**values, "is_floor": is_floor}
            )


def unseed(apps, schema_editor):
    names = [row[0] for row in FLOOR + PLACES + SIGN_INS + DATA + POWER]
    apps.get_model("auditlog", "DetectionRule").objects.using(
        schema_editor.connection.alias
    ).filter(name__in=names).delete()


class Migration(migrations.Migration):
    dependencies = [("auditlog", "0009_detection_rules")]
    operations = [migrations.RunPython(seed, unseed)]
