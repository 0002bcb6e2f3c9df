"""What to do about each kind of alert: shown with the incident, linked in messages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Runbook:
    """What an alert means, what to look at, what to do, and when it is a false one."""

    key: str
    title: str
    means: str
    look_at: tuple[str, ...]
    then: tuple[str, ...]
    false_alarm: tuple[str, ...]


_STEPS_AGAINST_A_PERSON: Final = (
    "Ask the person over a way that does not lead through this account.",
    "If it was not him: end his sessions and keys, and disable the account.",
    "Have the password and the second factor set anew before it is opened again.",
    "Resolve as true positive and note what was read and what was done.",
)
DENIALS: Final = Runbook(
    key="denials",
    title="Somebody was refused again and again",
    means=(
        "One account asked for what it may not have, several times in a short while."
        " Somebody tries out how far the account reaches, or a program asks for too"
        " much."
    ),
    look_at=(
        (
            "Which permissions were asked for: one again and again, or one after"
            " another? Going through many is searching."
        ),
        "The network, device and time of the requests: are they the person's usual?",
        "What was granted in the same hour, before and after the refusals.",
    ),
    then=(
        "Was it one page or query only: see whether the person needs a role for it.",
        *_STEPS_AGAINST_A_PERSON,
    ),
    false_alarm=(
        "The person changed jobs and his roles did not follow yet.",
        "A connected app or key asks for more than its scopes; its owner knows why.",
    ),
)
VOLUME: Final = Runbook(
    key="volume",
    title="Somebody asked or read far more than usual",
    means=(
        "One account asked more questions, or read more records, than a person does"
        " or than this one did so far. That is how data is carried off."
    ),
    look_at=(
        "Which queries, of which classification, and how many records in all.",
        (
            "Whether the questions differ by one value only, such as one person after"
            " another: that is a program."
        ),
        "Exports by the same account in the same days.",
    ),
    then=(
        (
            "While it goes on and nobody can explain it, end the sessions and keys"
            " first and ask afterwards."
        ),
        *_STEPS_AGAINST_A_PERSON,
        "If personal data left: the breach register's 72 hours run from now on.",
    ),
    false_alarm=(
        "The end of a month or quarter in finance and sales.",
        "A program that does its work: declare the volume of its service account.",
    ),
)
FAILED_SIGN_INS: Final = Runbook(
    key="failed_sign_ins",
    title="Passwords are being tried",
    means=(
        "Many sign-ins failed: on one account (guessing), or on many accounts from one"
        " network (one password tried on everybody)."
    ),
    look_at=(
        "How many accounts, from how many networks, over how long a time.",
        "Whether any of these sign-ins worked in the end: that account is the case.",
        "Whether the accounts that were tried have a second factor.",
    ),
    then=(
        "If one worked: end its sessions, disable it, and treat it as taken over.",
        (
            "If none did: lockout holds them back; refuse the network in front of"
            " chatsec if it goes on."
        ),
        "Require a second factor for roles that have none yet.",
    ),
    false_alarm=(
        "A phone or mail program with an old password, after it was changed.",
        "An office behind one address on the first morning after a holiday.",
    ),
)
NEW_ORIGIN: Final = Runbook(
    key="new_origin",
    title="Somebody came from where he never came from",
    means=(
        "The account was used from a device, network or country that it was never used"
        " from, or from two places between which nobody travels that fast."
    ),
    look_at=(
        "Whether the sign-in showed a second factor, and which.",
        "Whether the old and the new place are used side by side.",
        "What was asked in the first minutes from the new place.",
    ),
    then=_STEPS_AGAINST_A_PERSON,
    false_alarm=(
        "A journey, a new computer or a new provider at home.",
        "A company network that comes out in another country.",
    ),
)
ODD_HOURS: Final = Runbook(
    key="odd_hours",
    title="Somebody was active when he never is",
    means=(
        "The account was used at an hour at which this person was hardly ever active,"
        " or after a long time without any use."
    ),
    look_at=(
        "Device and network: the usual ones speak for the person himself.",
        "What was asked: his usual work, or things that he never asked for?",
    ),
    then=_STEPS_AGAINST_A_PERSON,
    false_alarm=(
        "Overtime, a change of shift, another time zone.",
        "Somebody back from leave.",
    ),
)
PRIVILEGE: Final = Runbook(
    key="privilege",
    title="New rights were used at once for much",
    means=(
        "An account was given a role and soon afterwards read far more than before, or"
        " rights were changed in an unusual way."
    ),
    look_at=(
        (
            "Who gave the role, with which reason, and whether those two know each"
            " other's sessions: same network, same device?"
        ),
        "What was read with the new right, and of which classification.",
    ),
    then=(
        "Take the role back while it is being looked into.",
        "Ask the one who gave it, not only the one who got it.",
        *_STEPS_AGAINST_A_PERSON,
    ),
    false_alarm=("Somebody starts in a new position and reads himself in.",),
)
WATCHING: Final = Runbook(
    key="watching",
    title="Somebody changed what is watched",
    means=(
        "A detection rule was switched off, exceptions from rules were made, or the"
        " audit log was exported. Who plans something, or hides it, begins there."
    ),
    look_at=(
        "Who did it, from which network and device, and with which reason.",
        "What the rule would have found since: try it over the past days.",
        "What else the account did in the hours before and after.",
    ),
    then=(
        "Ask the person, and a second administrator who was not part of it.",
        "Switch the rule on again, or end the exception, until it is explained.",
        (
            "If nobody can explain it: end the sessions of the account and verify the"
            " log with `manage.py audit_verify` and an anchor."
        ),
    ),
    false_alarm=(
        "A rule was tuned after false alarms, by those whose work that is.",
        "An auditor or another system takes its regular export.",
    ),
)
TAMPERING: Final = Runbook(
    key="tampering",
    title="The audit log is not what was sealed",
    means=(
        "Events or seals differ from what was signed: somebody reached the database"
        " behind the application, or a clock or a restored backup did."
    ),
    look_at=(
        (
            "The whole difference: `manage.py audit_verify --key HEX --anchors FILE`,"
            " with a key and anchors that another machine kept."
        ),
        "Who could write to the database as its owner or superuser, and did since.",
        "Whether a backup was put back, a server moved, or a clock set.",
    ),
    then=(
        "Copy the database and the anchors before anything else is done to them.",
        "Change the passwords of the database's owner, and end other sessions there.",
        (
            "Read what the named events were about in the copies that left: streams"
            " to other systems, exports, backups."
        ),
        "Count it as a personal data breach until it is shown to be none.",
        (
            "Resolve with a note that explains each difference: those that are named"
            " here are not reported again, anything else is."
        ),
    ),
    false_alarm=(
        "A backup was put back (`not_anchored`), and that is on record elsewhere.",
        "The clock of a server was wrong for a while (`clock` alone).",
    ),
)
MESSAGES: Final = Runbook(
    key="messages",
    title="Somebody tries to talk the chatbot into something",
    means=(
        "Messages were blocked because they try to turn the chatbot against its rules."
        " Answers never depend on them, yet somebody is trying."
    ),
    look_at=(
        "How many messages, over how long, and whether they were sent by a program.",
        "What else was asked in between, and what of it was answered or refused.",
    ),
    then=(
        "One or two tries are curiosity: a word with the person is enough.",
        "Many of them, or from a key or app: end its session or key.",
        "Resolve as true positive and note what was tried.",
    ),
    false_alarm=(
        "Somebody pasted a text that contains such sentences, such as a newsletter.",
        "A test by those who look after the chatbot.",
    ),
)
RISK: Final = Runbook(
    key="risk",
    title="Several weak signs came together",
    means=(
        "No single sign is enough for an alert: a new device, an unusual hour, some"
        " more questions. Together, within a day, they are."
    ),
    look_at=(
        "Each sign by itself: does one cause explain all of them, such as a journey?",
        "Whether the account read anything in that day that it never read before.",
    ),
    then=_STEPS_AGAINST_A_PERSON,
    false_alarm=("Somebody travels, or has a new computer, and works as ever.",),
)
UNLIKE: Final = Runbook(
    key="unlike",
    title="Somebody does what is unlike the own past",
    means=(
        "What the account did in these days is far from what it ever did: other"
        " questions, records, hours or places. It need not be much of anything."
    ),
    look_at=(
        "Which aspects differ, as the alert counts them, and since which day.",
        "The sessions of these days: device, network, and how they were begun.",
        "Whether the person has a new position, team or role since.",
    ),
    then=_STEPS_AGAINST_A_PERSON,
    false_alarm=(
        "A new position, a project of some weeks, the end of a quarter or a year.",
        "Somebody back from a long absence, or who stands in for somebody.",
    ),
)
GENERAL: Final = Runbook(
    key="general",
    title="Something unusual was noticed",
    means="A detection rule fired. Its title says what it looks for.",
    look_at=(
        "The events behind the alert, from the first to the last.",
        "Everything else that the same account did within an hour of them.",
        "Network, device and second factor of the session.",
    ),
    then=_STEPS_AGAINST_A_PERSON,
    false_alarm=(
        "The rule asks for too little: try other limits over past days and change it.",
        "It is right about everybody but one: make an exception that expires.",
    ),
)
RUNBOOKS: Final[Mapping[str, Runbook]] = {
    book.key: book
    for book in (
        DENIALS,
        VOLUME,
        FAILED_SIGN_INS,
        NEW_ORIGIN,
        ODD_HOURS,
        PRIVILEGE,
        WATCHING,
        TAMPERING,
        MESSAGES,
        RISK,
        UNLIKE,
        GENERAL,
    )
}
# What the name of a rule says that it is about; the first word that is in it counts.
_WORDS: Final[Mapping[str, Runbook]] = {
    "audit_log_differs": TAMPERING,
    "audit_": WATCHING,
    "unlike": UNLIKE,
    "message": MESSAGES,
    "risk": RISK,
    "denial": DENIALS,
    "privilege": PRIVILEGE,
    "sign_in": FAILED_SIGN_INS,
    "login": FAILED_SIGN_INS,
    "spray": FAILED_SIGN_INS,
    "device": NEW_ORIGIN,
    "network": NEW_ORIGIN,
    "country": NEW_ORIGIN,
    "travel": NEW_ORIGIN,
    "hour_": ODD_HOURS,
    "off_hours": ODD_HOURS,
    "dormant": ODD_HOURS,
    "queries": VOLUME,
    "records": VOLUME,
    "volume": VOLUME,
    "export": VOLUME,
}


def runbook_of(rule: str) -> Runbook:
    """Return the runbook for alerts of that rule; the general one if none is closer."""
    for word, book in _WORDS.items():
        if word in rule:
            return book
    return GENERAL


def get_runbook(key: str) -> Runbook:
    """Return the runbook of that key; the general one if it is gone."""
    return RUNBOOKS.get(key, GENERAL)
