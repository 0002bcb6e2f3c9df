"""What an administrator may add and change."""

import pytest

from privacy.pii import InvalidRecognizer, Policy, Recognizer, detect, redact

PROJECT = Recognizer("project", "PROJECT_CODE", r"PRJ-\d{4}")


def test_it_finds_what_an_administrator_defines():
    assert redact("see PRJ-2041", recognizers=[PROJECT]) == (
        "see [PROJECT_CODE_REDACTED]"
    )


def test_a_recognizer_may_use_a_built_in_label():
    badge = Recognizer("badge", "EMPLOYEE_ID", r"\bB\d{6}\b")

    assert redact("badge B123456", recognizers=[badge]) == (
        "badge [EMPLOYEE_ID_REDACTED]"
    )


def test_a_recognizer_with_context_needs_one_of_its_words():
    locker = Recognizer("locker", "LOCKER", r"\b\d{3}\b", context=("locker",))

    assert redact("Locker no. 118", recognizers=[locker]).endswith("[LOCKER_REDACTED]")
    assert redact("lockers 118", recognizers=[locker]) == "lockers 118"
    assert redact("118 people", recognizers=[locker]) == "118 people"


@pytest.mark.parametrize(
    ("label", "pattern"),
    [
        ("X_LABEL", "("),
        ("X_LABEL", r"(?=x)"),
        ("X_LABEL", r"(a)\1"),
        ("X_LABEL", ""),
        ("X_LABEL", "a*"),
        ("X_LABEL", ".*"),
        ("X_LABEL", "a" * 501),
        ("X_LABEL", r"(?:(?:a{1000}){1000})"),
        ("lower", "abc"),
        ("", "abc"),
        ("A] <b>", "abc"),
    ],
)
def test_it_refuses_a_recognizer_that_cannot_be_used(label, pattern):
    with pytest.raises(InvalidRecognizer):
        Recognizer("bad", label, pattern)


def test_a_pattern_that_backtracks_elsewhere_finishes_here():
    evil = Recognizer("evil", "X_LABEL", r"(a+)+$")

    assert detect("a" * 5_000 + "!", recognizers=[evil]) == []


def test_an_allowed_term_is_left_under_its_label():
    policy = Policy(allow={"EMAIL": frozenset({"Support@Example.com"})})

    assert redact("support@example.com, a@example.com", policy=policy) == (
        "support@example.com, [EMAIL_REDACTED]"
    )


def test_a_term_allowed_everywhere_is_left():
    policy = Policy(allow={"*": frozenset({"Jane Smith"})})

    assert redact("Jane Smith", policy=policy) == "Jane Smith"


def test_a_denied_term_is_always_taken_out_as_a_whole_word():
    policy = Policy(deny={"PROJECT_CODE": frozenset({"Blue Heron", "Blue"})})

    assert redact("blue heron and Blue, not bluebird", policy=policy) == (
        "[PROJECT_CODE_REDACTED] and [PROJECT_CODE_REDACTED], not bluebird"
    )


def test_a_threshold_can_be_raised_for_one_label():
    strict = Policy(thresholds={"PHONE": 0.99})

    assert redact("(212) 555-1234 a@b.co", policy=strict) == (
        "(212) 555-1234 [EMAIL_REDACTED]"
    )


def test_only_the_wanted_labels_are_found():
    policy = Policy(labels=frozenset({"EMAIL"}))

    assert [span.label for span in detect("a@b.co (212) 555-1234", policy=policy)] == [
        "EMAIL"
    ]
