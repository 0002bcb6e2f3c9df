"""Evidence of tries that were refused unseen, because there were too many before.

Whoever hammers at a locked account must be seen, and must not fill the log: the first
try of an account from a network is an event at once, then one a minute says how many
there were. Many accounts from one network, and many networks at one account, share a
few events a minute too.
"""

from __future__ import annotations

import logging
from typing import Final

from accounts.constants import (
    BLOCKED_EVENTS_OF_A_NETWORK,
    BLOCKED_EVENTS_OF_AN_ACCOUNT,
    BLOCKED_EVENTS_PAUSE,
)
from accounts.events import SIGN_IN_BLOCKED
from accounts.models import User
from accounts.networks import subnet_of
from auditlog.services import Pace, Target, record_repeated
from chatsec.core import context
from chatsec.core.crypto import blind_index

logger = logging.getLogger(__name__)
PAUSE: Final = BLOCKED_EVENTS_PAUSE
OF_BOTH: Final = Pace("blocked", 1, PAUSE, PAUSE)
OF_A_NETWORK: Final = Pace("blocked-network", BLOCKED_EVENTS_OF_A_NETWORK, PAUSE, PAUSE)
OF_AN_ACCOUNT: Final = Pace(
    "blocked-account", BLOCKED_EVENTS_OF_AN_ACCOUNT, PAUSE, PAUSE
)


def note_blocked(user: User | None, *, account: bytes, ip: str | None) -> None:
    """Have it on record that a try was refused; the refusal stands whatever happens.

    `account` is the digest of the account's budget, empty where nobody was named.
    """
    network = blind_index("accounts.blocked", subnet_of(ip)).hex() if ip else ""
    whose = account.hex()
    paces = [(OF_BOTH, f"{whose}:{network}"), (OF_A_NETWORK, network)]
    if whose:
        paces.append((OF_AN_ACCOUNT, whose))
    try:
        record_repeated(
            SIGN_IN_BLOCKED,
            paces,
            actor=context.current_actor(),
            outcome="denied",
            target=Target("accounts.user", str(user.id)) if user else None,
            subject_id=user.id if user else None,
            details={"reason": "account_locked"},
            result_count=1,
        )
    except Exception:
        logger.exception("a blocked sign-in left no event")
