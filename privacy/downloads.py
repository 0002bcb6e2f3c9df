"""An export as an answer: streamed, and kept by nobody on the way."""

from __future__ import annotations

from django.http import StreamingHttpResponse

from privacy.services.downloads import Download


def zip_response(download: Download) -> StreamingHttpResponse:
    """Return the archive as an attachment that no cache may keep."""
    answer = StreamingHttpResponse(download.chunks, content_type="application/zip")
    answer["Content-Length"] = str(download.size)
    answer["Content-Disposition"] = f'attachment; filename="{download.file_name}"'
    answer["Cache-Control"] = "no-store, private"
    answer["X-Content-Type-Options"] = "nosniff"
    return answer
