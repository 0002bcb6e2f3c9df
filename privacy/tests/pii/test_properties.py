"""What holds for every text."""

from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from privacy.pii import StreamRedactor, Vault, detect, redact, redact_with_report
from privacy.pii.engine import find_in_window, is_plain
from privacy.pii.policy import DEFAULT, Policy, Recognizer
from privacy.pii.windows import AHEAD, BEHIND, BLOCK, WindowReader

from .strategies import any_text, long_texts, texts
from .test_names import SOME_WORDS

relaxed = settings(
    max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)


@relaxed
@given(texts | any_text)
def test_it_returns_sorted_spans_inside_the_text_without_overlaps(text):
    spans = detect(text)

    assert spans == sorted(spans)
    assert all(0 <= span.start < span.end <= len(text) for span in spans)
    assert all(0 < span.score <= 1 for span in spans)
    assert all(a.end <= b.start for a, b in pairwise(spans))


@relaxed
@given(texts | any_text | st.lists(st.sampled_from(SOME_WORDS)).map(" ".join))
def test_what_is_plain_at_a_glance_has_nothing_to_find(text):
    if is_plain(text):
        assert detect(text) == []
    assert redact(text) == redact_with_report(text).text


@pytest.mark.parametrize(
    ("policy", "redacted"),
    [
        (Policy(deny={"CODE_NAME": frozenset({"order"})}), "the [CODE_NAME_REDACTED]"),
        (
            Policy(recognizers=(Recognizer("o", "ORDER", "order"),)),
            "the [ORDER_REDACTED]",
        ),
    ],
)
def test_a_policy_finds_its_own_in_a_plain_text(policy, redacted):
    assert is_plain("the order")
    assert redact("the order", policy=policy) == redacted


@pytest.mark.parametrize("text", ["the order", "write to jane.doe@example.com"])
def test_an_unknown_operator_is_refused_whatever_the_text(text):
    with pytest.raises(ValueError, match="Unknown operator"):
        redact(text, operator="nonsense")


@relaxed
@given(texts | any_text, st.sampled_from(["label", "mask", "placeholder"]))
def test_it_changes_nothing_the_second_time(text, operator):
    once = redact(text, operator=operator)

    assert redact(once, operator=operator) == once


@pytest.mark.parametrize(
    "text",
    [
        "born on 12 March 1985 4111 1111 1111 1111",
        "jane [at] example dot com@night_owl rest",
        "https://example.com/a?b=c+44 20 7946 0958(212) 555-1234",
        "DE89 3704 0044 0532 0130 00https://example.com/a\x00123 Main Street, Leeds",
        "DE89 3704 0044 0532 0130 00@night_owl555-1234",
    ],
)
def test_what_a_finding_hid_is_found_at_once(text):
    once = redact(text)

    assert redact(once) == once


def test_a_placeholder_is_no_cue():
    assert redact("[PHONE_REDACTED] 2125551234") == "[PHONE_REDACTED] 2125551234"


@pytest.mark.parametrize("length", [2_000, 20_000])
def test_it_reads_a_bounded_multiple_of_one_long_finding(length):
    text = "see https://example.com/" + "a" * length + " now"
    reader = WindowReader(lambda window: find_in_window(window, DEFAULT))

    pieces = [*reader.feed(text), *reader.finish()]

    assert [s.label for piece in pieces for s in piece.spans] == ["URL"]
    assert reader.characters_read <= 6 * length


@relaxed
@given(texts | any_text)
def test_it_reports_every_replacement(text):
    report = redact_with_report(text)

    assert report.text == redact(text)
    assert sum(report.counts.values()) == len(report.spans)


def stream(text, cuts):
    redactor = StreamRedactor()
    edges = [0, *sorted(cuts), len(text)]
    chunks = [text[a:b] for a, b in pairwise(edges)]
    return "".join(map(redactor.feed, chunks)) + redactor.finish(), redactor


@relaxed
@given(texts | long_texts, st.data())
def test_a_stream_is_redacted_like_the_whole(text, data):
    cuts = data.draw(st.lists(st.integers(0, len(text)), max_size=8))

    redacted, _ = stream(text, cuts)

    assert redacted == redact(text)


LONG = (
    "Intro words about revenue and regions. " * 6
    + "Write to jane.smith@example.com or call (212) 555-1234. "
    + "She lives at 123 Main Street, Apartment 4B, Seattle WA 98101. "
    + "Nothing here. " * 30
    + "my sister Jane Smith has card 4111 1111 1111 1111, EMP-45678."
)


@pytest.mark.parametrize("step", [3, pytest.param(1, marks=pytest.mark.prove)])
def test_a_stream_is_redacted_like_the_whole_at_every_split(step):
    whole = redact(LONG)
    counts = Counter(str(span.label) for span in detect(LONG))

    for cut in range(0, len(LONG) + 1, step):
        redacted, redactor = stream(LONG, [cut])
        assert redacted == whole
        assert redactor.counts == counts


def test_a_stream_cut_into_single_characters_is_redacted_like_the_whole():
    redacted, _ = stream(LONG, range(1, len(LONG)))

    assert redacted == redact(LONG)


def test_a_stream_gives_out_what_is_decided_before_the_end():
    redactor = StreamRedactor()

    early = "".join(redactor.feed("plain words here ") for _ in range(60))

    assert len(early) > 0
    assert len("plain words here ") * 60 - len(early) <= BLOCK + AHEAD


@relaxed
@given(texts | long_texts | any_text)
def test_the_vault_restores_every_text(text):
    vault = Vault(b"k" * 32, context="conversation 1")

    assert vault.restore(redact(text, operator=vault)) == text


@pytest.mark.parametrize("length", [1_000, 10_000, 100_000])
def test_it_reads_a_bounded_multiple_of_the_text(length):
    text = ("call 555-1234 or mail a@b.co about order 12 " * (length // 40))[:length]
    reader = WindowReader(lambda window: find_in_window(window, DEFAULT))

    reader.feed(text)
    reader.finish()

    block = BLOCK // 2
    assert reader.characters_read <= length * (BEHIND + BLOCK + AHEAD) / block + 1000


WORST = [
    "a" * 10_000,
    "1" * 10_000,
    "1 " * 5_000,
    "1-" * 5_000,
    "@" * 10_000,
    "a@" * 5_000,
    "a.a" * 3_000,
    "((((" * 2_500,
    ":" * 10_000,
    "a:" * 5_000,
    "Aa " * 3_333,
    "A. " * 3_333,
    "de la " * 1_600,
    "12 Aa Aa Aa Aa " * 650,
    "password " * 1_100,
    "password is " * 800,
    "-----BEGIN PRIVATE KEY-----" + "A" * 10_000,
    "https://" + "a" * 10_000,
    "eyJ" + "a" * 10_000,
    "\n" * 10_000,
    " " * 10_000,
    "{" * 10_000,
    "[" * 10_000,
    "\u200b" * 10_000,
    "e\u0301" * 5_000,
    "x=" * 5_000,
    "(at)" * 2_500,
    "a at b dot " * 900,
    "number is my the " * 600,
    "ssn number is my the id no " * 400,
    "<PERSON_1>" * 1_000,
    "\U0010ffff" * 10_000,
]


@pytest.mark.parametrize("text", WORST, ids=range(len(WORST)))
def test_it_finishes_the_worst_ten_thousand_characters(text):
    assert isinstance(redact(text), str)


def test_it_finishes_a_line_that_never_ends():
    redactor = StreamRedactor()

    given_out = sum(len(redactor.feed("x" * 100)) for _ in range(100))

    assert given_out + len(redactor.finish()) == 10_000
