"""Internet addresses."""

from privacy.pii.labels import Label
from privacy.pii.recognizers import words
from privacy.pii.rules import Candidate, Rule, rule
from privacy.pii.validators import is_ip_address


def _score_v4(found: Candidate) -> float:
    if found.follows(words.SOFTWARE, within=2) or not is_ip_address(found.value):
        return 0.0
    return 0.9


def _score_v6(found: Candidate) -> float:
    groups = [group for group in found.value.split(":") if group]
    if len(groups) < 2 or not is_ip_address(found.value):
        return 0.0
    # "a::b" is C++, "fe80::1" is an address.
    return 0.9 if any(char.isdigit() for char in found.value) else 0.0


RULES: tuple[Rule, ...] = (
    rule(
        Label.IP,
        r"(?<![\w.-])(?:\d{1,3}\.){3}\d{1,3}(?![\w-])(?!\.\d)",
        _score_v4,
    ),
    rule(
        Label.IP,
        r"(?<![\w:.])(?:[0-9A-Fa-f]{1,4}:{1,2}|::){1,8}"
        r"(?:[0-9A-Fa-f]{1,4}|(?:\d{1,3}\.){3}\d{1,3})?(?![\w:.])",
        _score_v6,
        probe=r"[0-9A-Fa-f:]:[0-9A-Fa-f:]",
    ),
)
