"""What the privacy app keeps."""

from privacy.models.keys import SubjectKey

__all__ = ["SubjectKey"]
