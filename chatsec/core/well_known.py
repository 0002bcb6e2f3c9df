"""What finders of weaknesses, browsers and crawlers look up about an installation."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

# RFC 9116, 2.5.5: less than a year ahead. It is written anew each day, so that a file
# which somebody stored says by itself when it is old.
SECURITY_TXT_DAYS = 90
# When the answer to `Sec-GPC: 1` was last thought over; not the date of a release.
GPC_SINCE = "2026-11-21"
TEXT = "text/plain; charset=utf-8"
URI_SCHEMES = ("mailto:", "https:", "tel:")


def contact_uri(contact: str) -> str:
    """Return a contact as a URI (RFC 9116, 2.5.3); ValueError where it is none."""
    text = contact.strip()
    if "@" in text and ":" not in text:
        text = f"mailto:{text}"
    if not text.startswith(URI_SCHEMES) or not text.isascii() or len(text.split()) != 1:
        raise ValueError("not an e-mail address, https: or tel: URI")
    return text


@require_safe
def security_txt(request: HttpRequest) -> HttpResponse:
    """Say whom to tell of a weakness (RFC 9116); 404 where nobody is named."""
    contacts = [contact_uri(item) for item in settings.CHATSEC_SECURITY_CONTACT]
    if not contacts:
        raise Http404
    lines = [f"Contact: {contact}" for contact in contacts]
    lines.append(f"Expires: {_expires():%Y-%m-%dT%H:%M:%SZ}")
    lines.append("Preferred-Languages: en")
    address = settings.CHATSEC_PUBLIC_URL.rstrip("/")
    if address.startswith("https:"):
        lines.append(f"Canonical: {address}/.well-known/security.txt")
    text = "".join(f"{line}\n" for line in lines)
    return HttpResponse(text, content_type=TEXT)


def _expires() -> datetime:
    day = timezone.now().astimezone(UTC).date() + timedelta(days=SECURITY_TXT_DAYS)
    return datetime.combine(day, time(), tzinfo=UTC)


@require_safe
def gpc(request: HttpRequest) -> HttpResponse:
    """Say that the Global Privacy Control signal is honoured.

    Nothing about a person is sold or shared for advertising, whatever the signal says.
    """
    return JsonResponse({"gpc": True, "lastUpdate": GPC_SINCE})


@require_safe
def robots_txt(request: HttpRequest) -> HttpResponse:
    """Ask crawlers to stay away: what they could see here is a sign-in page."""
    return HttpResponse("User-agent: *\nDisallow: /\n", content_type=TEXT)
