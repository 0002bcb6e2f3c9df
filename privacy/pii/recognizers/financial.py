"""Payment cards, IBANs, bank accounts and wallets."""

from dataclasses import replace

from privacy.pii.labels import Label
from privacy.pii.recognizers import words
from privacy.pii.rules import Candidate, Rule, cued, rule, with_digit
from privacy.pii.validators import (
    has_card_prefix,
    has_iban_length,
    iban_length,
    is_card_number,
    is_iban,
    is_routing_number,
)


def _score_card(found: Candidate) -> float:
    digits = found.digits
    if is_card_number(digits):
        other = found.nearest(words.CARD, words.OTHER_NUMBER) == 1
        grouped = any(char in found.value for char in " -")
        return 0.6 if other and not grouped else 0.97
    if len(set(digits)) == 1:
        return 0.0
    # A mistyped card number gives a card away nearly as well as a right one.
    near = found.is_near(words.CARD, before=6, after=3)
    return 0.7 if near and has_card_prefix(digits) else 0.0


def _score_iban(found: Candidate) -> float:
    compact = "".join(char for char in found.value if char.isalnum())
    if is_iban(compact):
        return 0.99
    near = found.is_near(frozenset({"iban"}), before=4, after=2)
    return 0.7 if near and has_iban_length(compact) else 0.0


def _score_routing(found: Candidate) -> float:
    return 0.85 if is_routing_number(found.digits) else 0.6


_ACCOUNT_CUES = (
    r"(?:bank[ _-]?|checking[ _-]?|savings[ _-]?|customer[ _-]?)?(?:account|acct|acc)"
    r"(?:[ _-]?(?:number|no|num|nr|id))?\.?|a/c|konto(?:nummer)?|kontonr|"
    r"num[eé]ro de (?:compte|cuenta)|compte|cuenta|rekening(?:nummer)?|"
    r"customer[ _-]?(?:number|no|id)|kundennummer|numero cliente|"
    r"loan[ _-]?(?:number|no)|brokerage"
)


def _end_iban(text: str, start: int, end: int) -> int:
    """Stop after as many characters as the country's numbers have."""
    length = iban_length(text[start : start + 2])
    for position in range(start, end):
        length -= text[position].isalnum()
        if length == 0:
            return position + 1
    return end


RULES: tuple[Rule, ...] = (
    rule(
        Label.CREDIT_CARD,
        r"(?<![A-Za-z0-9.])\d{4}[ -]?\d{4}[ -]?\d{4}[ -]?\d{1,4}(?:[ -]?\d{3})?"
        r"(?![\w])(?!-\w)",
        _score_card,
    ),
    rule(
        Label.CREDIT_CARD,
        r"(?<![A-Za-z0-9.])3\d{3}[ -]?\d{6}[ -]?\d{4,5}(?![\w])",
        _score_card,
    ),
    cued(
        Label.CREDIT_CARD,
        r"(?:credit|debit)[ _-]?card|card[ _-]?(?:number|no|num)|visa|mastercard|amex|"
        r"card",
        r"\d(?:[ .-]?\d){11,18}",
        check=lambda found: 0.75 if len(set(found.digits)) > 1 else 0.0,
    ),
    cued(
        Label.CREDIT_CARD,
        r"cvv2?|cvc2?|cvn|csc|card verification|security code on (?:the|my) card",
        r"\d{3,4}",
    ),
    replace(
        rule(
            Label.IBAN,
            r"(?i)(?<![A-Za-z0-9])[A-Z]{2}\d{2}(?:[ -]?[A-Z0-9]{4}){2,7}"
            r"(?:[ -]?[A-Z0-9]{1,4})?(?![A-Za-z0-9])",
            _score_iban,
        ),
        resize=_end_iban,
    ),
    cued(
        Label.ACCOUNT,
        _ACCOUNT_CUES,
        r"(?:[A-Z]{1,3}[- ]?)?\d(?:[ -]?\d){4,19}",
        check=with_digit(0.85, least=5),
    ),
    cued(
        Label.ACCOUNT,
        r"routing|aba|rtn|bankleitzahl|blz",
        r"\d{8,9}",
        check=_score_routing,
    ),
    cued(Label.ACCOUNT, r"sort[ _-]?code", r"\d\d[ -]?\d\d[ -]?\d\d"),
    cued(
        Label.ACCOUNT,
        r"bic|swift",
        r"[A-Z]{4}[A-Z]{2}[A-Z0-9]{2}(?:[A-Z0-9]{3})?",
    ),
    rule(Label.ACCOUNT, r"(?<![\w])0x[0-9a-fA-F]{40}(?![\w])", 0.8),
    rule(
        Label.ACCOUNT,
        r"(?<![\w/+=])bc1[ac-hj-np-z02-9]{25,59}(?![\w/+=])",
        0.85,
    ),
    cued(
        Label.ACCOUNT,
        r"bitcoin|btc|wallet|litecoin|payment address",
        r"[13LM][a-km-zA-HJ-NP-Z1-9]{25,34}",
    ),
)
