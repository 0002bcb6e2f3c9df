"""Does the log still say what was sealed? Every event is hashed again and compared.

First the chain is walked from its first seal: numbers, heads, signatures, times. Then
the rows are read by the windows of the seals. What differs is named event by event.
"""

from __future__ import annotations

from collections.abc import Mapping

from auditlog.services.verification.chain_walk import Chain, check_anchors, walk_chain
from auditlog.services.verification.findings import Fault, Finding, Report
from auditlog.services.verification.rows import (
    plan_batches,
    verify_batch,
    verify_partition,
)
from auditlog.services.verification.strays import strays

__all__ = [
    "Chain",
    "Fault",
    "Finding",
    "Report",
    "check_anchors",
    "plan_batches",
    "strays",
    "verify_batch",
    "verify_log",
    "verify_partition",
    "walk_chain",
]


def verify_log(
    *, public_key: str | None = None, heads: Mapping[int, str] | None = None
) -> Report:
    """Verify the whole log in this process; `heads` are those anchored outside."""
    chain = walk_chain(public_key=public_key)
    report = chain.report
    check_anchors(chain, heads or {})
    for first, last in plan_batches():
        report.add(
            verify_batch(first, last, pruned=chain.pruned, swept=frozenset(chain.swept))
        )
    report.findings += strays(chain)
    return report
