"""How much of labelled attacks the detection rules find, on one seed for tuning.

`manage.py drill score` measures more; docs/explanation/detection-quality.md says how.
"""

from __future__ import annotations

from benchmarks.measure import say
from chatsec.drill import separate


def main() -> None:
    """Score one scenario on engines of its own."""
    say(separate.run(["score", "--seeds", "1", "--every", "60"]))
