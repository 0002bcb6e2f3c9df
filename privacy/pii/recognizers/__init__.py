"""The built-in recognizers, one module a subject."""

from privacy.pii.recognizers import (
    addresses,
    contact,
    credentials,
    documents,
    financial,
    health,
    location,
    national,
    network,
)
from privacy.pii.rules import Rule

BUILT_IN: tuple[Rule, ...] = (
    *contact.RULES,
    *network.RULES,
    *financial.RULES,
    *national.RULES,
    *documents.RULES,
    *credentials.RULES,
    *health.RULES,
    *location.RULES,
    *addresses.RULES,
)
