"""Speed and quality of the redactor, beside the four patterns it replaces.

``python -m benchmarks pii`` prints microseconds for messages of about 100 characters
and precision, recall and F1 by label on ``privacy/tests/pii/gold.jsonl``.
"""

import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from statistics import median

from benchmarks.measure import interleaved, say
from privacy.pii import detect, redact

GOLD = Path(__file__).resolve().parent.parent / "privacy/tests/pii/gold.jsonl"
ROUNDS = 300
MESSAGES = {
    "plain question": (
        "Show me the total sales by region for the last quarter, sorted by revenue, "
        "and compare with last year"
    ),
    "plain log line": (
        "2025-03-04T09:12:44.120Z INFO chat.pipeline request_id=8f14e45fceea167a "
        "status=answered ms=82 rows=20"
    ),
    "one e-mail": (
        "Please send the quarterly report to jane.smith@example.com before Friday "
        "morning, thank you very much"
    ),
    "name and phone": (
        "can you update my emergency contact to my sister Jane Smith at 555-1234? I "
        "will be away next week"
    ),
    "address": (
        "I need to update my address. I'm moving to 123 Main Street, Apartment 4B, "
        "Seattle WA 98101 in May"
    ),
}
_FOUR = (
    (
        re.compile(r"\b[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Z|a-z]{2,}\b"),
        "[EMAIL_REDACTED]",
    ),
    (re.compile(r"\b\d{3}[-.]?\d{3}[-.]?\d{4}\b"), "[PHONE_REDACTED]"),
    (re.compile(r"\b\d{3}-\d{2}-\d{4}\b"), "[SSN_REDACTED]"),
    (re.compile(r"\b\d{4}[- ]?\d{4}[- ]?\d{4}[- ]?\d{4}\b"), "[CC_REDACTED]"),
)
_BASELINE_LABELS = {"EMAIL": 0, "PHONE": 1, "SSN": 2, "CREDIT_CARD": 3}


def redact_by_four_patterns(text: str) -> str:
    """Return the text as the reference chapter's ``redact_pii`` leaves it."""
    for pattern, label in _FOUR:
        text = pattern.sub(label, text)
    return text


def compare_speed(text: str) -> tuple[float, float, float]:
    """Return both medians in microseconds and the median of the ratios turn by turn."""
    taken = interleaved(
        {
            "chatsec": lambda: redact(text),
            "patterns": lambda: redact_by_four_patterns(text),
        },
        rounds=ROUNDS,
    )
    pairs = zip(taken["chatsec"], taken["patterns"], strict=True)
    ratio = median(ours / theirs for ours, theirs in pairs)
    return median(taken["chatsec"]) / 1e3, median(taken["patterns"]) / 1e3, ratio


def find_by_four_patterns(text: str) -> list[tuple[int, int, str]]:
    """Return what the four patterns match, with our labels."""
    return [
        (*match.span(), label)
        for label, index in _BASELINE_LABELS.items()
        for match in _FOUR[index][0].finditer(text)
    ]


def find_by_library(text: str) -> list[tuple[int, int, str]]:
    """Return what the library finds."""
    return [(span.start, span.end, str(span.label)) for span in detect(text)]


def measure(
    find: Callable[[str], list[tuple[int, int, str]]],
) -> dict[str, tuple[float, float, float, int]]:
    """Return precision, recall, F1 and number of values by label; overlap counts."""
    right, useful = Counter[str](), Counter[str]()
    proposed, expected = Counter[str](), Counter[str]()
    for line in GOLD.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        found = find(row["text"])
        proposed.update(label for *_, label in found)
        for start, end, label in found:
            useful[label] += any(
                label == kind and start < b and a < end for a, b, kind in row["spans"]
            )
        for a, b, kind in row["spans"]:
            expected[kind] += 1
            right[kind] += any(kind == x and s < b and a < e for s, e, x in found)
    result = {}
    for label in sorted(expected):
        precision = useful[label] / max(1, proposed[label])
        recall = right[label] / expected[label]
        f1 = 2 * precision * recall / max(precision + recall, 1e-9)
        result[label] = (precision, recall, f1, expected[label])
    return result


def measure_import() -> float:
    """Return the seconds that a fresh interpreter needs to import the library."""
    code = (
        "import time; t = time.perf_counter(); import privacy.pii; "
        "print(time.perf_counter() - t)"
    )
    run = subprocess.run(  # noqa: S603 - our own interpreter and a fixed program
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    return float(run.stdout)


def say_speed() -> None:
    """Print what a message costs beside the four patterns."""
    say(f"import: {measure_import():.2f} s")
    say(f"{'message':16} {'chatsec us':>10} {'4 patterns us':>14} {'ratio':>6}")
    for name, text in MESSAGES.items():
        ours, baseline, ratio = compare_speed(text)
        say(f"{name:16} {ours:10.0f} {baseline:14.1f} {ratio:6.1f}")


def say_quality() -> None:
    """Print precision, recall and F1 beside the F1 of the four patterns."""
    baseline = measure(find_by_four_patterns)
    say(f"{'label':16} {'n':>4} {'P':>5} {'R':>5} {'F1':>5} {'4 patterns F1':>14}")
    for label, (precision, recall, f1, count) in measure(find_by_library).items():
        say(
            f"{label:16} {count:4} {precision:5.2f} {recall:5.2f} {f1:5.2f} "
            f"{baseline[label][2]:14.2f}"
        )


def main() -> None:
    """Print the figures."""
    say_speed()
    say_quality()


if __name__ == "__main__":
    main()
