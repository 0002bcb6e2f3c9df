"""What the privacy app keeps."""

from privacy.models.keys import SubjectKey
from privacy.models.purposes import (
    ConsentEvent,
    ConsentState,
    LawfulBasis,
    NoticeVersion,
    Purpose,
)
from privacy.models.requests import (
    AUTOMATIC_KINDS,
    OPEN_STATES,
    ExportArtifact,
    RequestKind,
    RequestState,
    RequestTask,
    SubjectRequest,
    TaskState,
)
from privacy.models.retention import LegalHold, RetentionPolicy, RetentionRun

__all__ = [
    "AUTOMATIC_KINDS",
    "OPEN_STATES",
    "ConsentEvent",
    "ConsentState",
    "ExportArtifact",
    "LawfulBasis",
    "LegalHold",
    "NoticeVersion",
    "Purpose",
    "RequestKind",
    "RequestState",
    "RequestTask",
    "RetentionPolicy",
    "RetentionRun",
    "SubjectKey",
    "SubjectRequest",
    "TaskState",
]
