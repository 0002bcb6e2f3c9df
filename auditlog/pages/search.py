"""The search page: filters, a chart over time, and what was found."""

from __future__ import annotations

from typing import NamedTuple

from django.contrib import messages
from django.http import HttpRequest, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.utils import timezone

from auditlog import selectors
from auditlog.pages import searches
from auditlog.pages.addresses import search_address, search_query
from auditlog.pages.chart import Chart, draw
from auditlog.pages.forms import PERIOD_NAMES, SaveForm, SearchForm
from auditlog.services.reading import Shown, read_page
from auditlog.services.searches import save_search
from chatsec.core.admin_pages import WIDE, guarded, render, show_refusal
from chatsec.core.context import current_actor
from chatsec.core.errors import DomainError, Invalid

VIEW_AUDIT = "view_audit"
PAGE_SIZE = 50
EXPORTS = (("CSV", "csv"), ("JSON lines", "jsonl"), ("OCSF", "ocsf"))
# Without a word about time, the page shows what was lately.
DEFAULT = {"period": "day"}
TIME_WORDS = ("since", "until", "period", "request_id", "q")

# Behind "More filters", open where one of them is in use.
MORE = (
    "since",
    "until",
    "severity",
    "category",
    "resource",
    "request_id",
    "classification",
    "channel",
    "country",
    "same_session",
    "same_device",
    "same_address",
    "same_network",
)


class Answer(NamedTuple):
    """What a search gave; a chart only where it could be counted in time."""

    shown: Shown
    chart: Chart | None


@guarded(VIEW_AUDIT)
def search(request: HttpRequest) -> HttpResponseBase:
    """Show a page of the log; the search is on record before anything is shown."""
    words = _words(request)
    saving = SaveForm(request.POST or None)
    if request.method == "POST" and _saved(saving, words):
        messages.success(request, "The search is saved.")
        return HttpResponseRedirect(search_address(words))
    form = SearchForm(words)
    answer = _answer(form, words, cursor=request.GET.get("cursor", ""))
    context = {
        "form": form,
        "words": selectors.asked_words(words),
        "answer": answer,
        "older": _beside(words, answer and answer.shown.older),
        "newer": _beside(words, answer and answer.shown.newer),
        "periods": _periods(words),
        "is_filtered": bool(request.GET),
        "more_fields": [form[name] for name in MORE],
        "has_more_filters": any(words.get(name) for name in MORE),
        "query": search_query(words),
        "exports": EXPORTS,
        "saving": saving,
        "saved": searches.shown(),
        **WIDE,
    }
    return render(request, "auditlog/search.html", "Search the audit log", context)


def _words(request: HttpRequest) -> dict[str, str]:
    words = request.GET.dict()
    if any(words.get(name) for name in TIME_WORDS):
        return words
    return {**words, **DEFAULT}


def _answer(form: SearchForm, words: dict[str, str], *, cursor: str) -> Answer | None:
    if not form.is_valid():
        return None
    try:
        shown = read_page(words, cursor=cursor, size=PAGE_SIZE)
    except Invalid as refusal:
        show_refusal(form, refusal, fields={})
        return None
    return Answer(shown, _chart(words))


def _saved(saving: SaveForm, words: dict[str, str]) -> bool:
    """Whether the search is kept now; if not, the form says why."""
    if not saving.is_valid():
        return False
    try:
        save_search(current_actor(), words=words, **saving.cleaned_data)
    except DomainError as refusal:
        show_refusal(saving, refusal, fields={})
        return False
    return True


def _chart(words: dict[str, str]) -> Chart | None:
    """Return the counts of a search that is on record already."""
    now = timezone.now()
    try:
        wanted = selectors.read_filters(words, now=now)
        return draw(selectors.count_events(wanted, now=now), words)
    except selectors.SearchTooWide:
        return None


def _beside(words: dict[str, str], cursor: str | None) -> str:
    return search_query(words, cursor=cursor) if cursor else ""


def _periods(words: dict[str, str]) -> list[tuple[str, str, bool]]:
    """Return the quick picks: what each is called, what it asks, whether it is on."""
    asked = selectors.asked_words(words)
    rest = {k: w for k, w in asked.items() if k not in ("since", "until")}
    return [
        (label, search_query({**rest, "period": name}), asked.get("period") == name)
        for name, label in PERIOD_NAMES.items()
    ]
