"""The event log and the alerts in the admin: for auditors, to be read only.

Reading is evidence too: a page is shown only once the reading itself is on record.
"""

from auditlog.admin.alert import AlertAdmin
from auditlog.admin.event import EventAdmin
from auditlog.admin.stream import StreamAdmin

__all__ = ["AlertAdmin", "EventAdmin", "StreamAdmin"]
