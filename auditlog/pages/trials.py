"""Rules tried over the past, in the admin site: begun, watched, read, deleted."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Final, NamedTuple
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils import timezone

from auditlog import selectors
from auditlog.models import DetectionRule, RuleTrial
from auditlog.pages.rule_forms import TrialForm
from auditlog.services.detection import trials
from chatsec.core.admin_pages import guarded, render, show_refusal
from chatsec.core.context import current_actor
from chatsec.core.errors import DomainError, NotFound
from chatsec.core.jobs import enqueue

SEE, MANAGE = "view_audit", "manage_detection"
WIDTH, HEIGHT = 720, 120
MAX_SHOWN: Final = 20
MAX_KEPT: Final = 20
REFRESH_SECONDS: Final = 3


class Bar(NamedTuple):
    """The episodes of one day."""

    x: str
    y: str
    width: str
    height: str
    day: date
    episodes: int


@guarded(SEE)
def rule_trial(request: HttpRequest, *, pk: UUID) -> HttpResponseBase:
    """Ask over how much of the past; a trial that takes long goes on without us."""
    try:
        rule = selectors.get_rule(pk)
    except NotFound as missing:
        raise Http404 from missing
    form = TrialForm(request.POST or None, initial={"days": 7})
    if request.method == "POST" and form.is_valid():
        try:
            return HttpResponseRedirect(_begun(rule, form.cleaned_data["days"]))
        except DomainError as refusal:
            show_refusal(form, refusal, fields={"too_many_trials": "days"})
    context = {"form": form, "rule": rule, "kept": _kept(request, rule)}
    return render(request, "auditlog/rule_trial.html", f"Try: {rule.title}", context)


@guarded(SEE)
def trial_page(request: HttpRequest, *, pk: UUID) -> HttpResponseBase:
    """Show how far a trial is, or what it found."""
    trial = _trial(request, pk)
    context: dict[str, object] = {
        "trial": trial,
        "rule": trial.rule,
        "form": TrialForm(initial={"days": trial.days}),
        "is_of_another_version": trial.rule.version != trial.rule_version,
    }
    if trial.state == "done":
        context.update(_shown(trial))
    title = f"Trial: {trial.rule.title}"
    page = render(request, "auditlog/trial.html", title, context)
    if trial.is_open:
        # The page shows progress without a script.
        page["Refresh"] = str(REFRESH_SECONDS)
    return page


@guarded(SEE)
def trial_delete(request: HttpRequest, *, pk: UUID) -> HttpResponseBase:
    """Delete a trial; one that runs ends with it."""
    trial = _trial(request, pk)
    if request.method != "POST":
        raise Http404
    trials.delete_trial(current_actor(), pk, sees_all=_sees_all(request))
    messages.success(request, "The trial is deleted.")
    return HttpResponseRedirect(reverse("audit-rule-trial", args=[trial.rule_id]))


def _begun(rule: DetectionRule, days: int) -> str:
    """Begin, and stay at it for a moment: most are over by then. Return its page."""
    now = timezone.now()
    trial = trials.open_trial(current_actor(), rule, days=days, now=now)
    if trials.work_on(trial.pk, trials.AT_ONCE_OR_LATER, now=now) != "done":
        enqueue("auditlog.tasks.run_trial", str(trial.pk))
    return reverse("audit-trial", args=[trial.pk])


def _trial(request: HttpRequest, pk: UUID) -> RuleTrial:
    try:
        return selectors.get_trial(current_actor(), pk, sees_all=_sees_all(request))
    except NotFound as missing:
        raise Http404 from missing


def _kept(request: HttpRequest, rule: DetectionRule) -> list[RuleTrial]:
    rows = selectors.list_trials(current_actor(), sees_all=_sees_all(request))
    return list(rows.filter(rule=rule).defer("findings")[:MAX_KEPT])


def _sees_all(request: HttpRequest) -> bool:
    return bool(request.user.has_perm(f"rbac.{MANAGE}"))


def _shown(trial: RuleTrial) -> dict[str, object]:
    run = trials.result_of(trial)
    newest = sorted(run.findings, key=lambda one: one.last_at, reverse=True)
    shown = newest[:MAX_SHOWN]
    names = selectors.names_behind(
        one.actor_pseudonym for one in shown if one.actor_pseudonym
    )
    return {
        "bars": draw(run.per_day),
        "total": len(run.findings),
        "samples": [
            (one, names.get(one.actor_pseudonym) if one.actor_pseudonym else None)
            for one in shown
        ],
        "width": WIDTH,
        "height": HEIGHT,
    }


def draw(per_day: Mapping[date, int]) -> list[Bar]:
    """Return a bar for each day."""
    wide = WIDTH / max(len(per_day), 1)
    highest = max([1, *per_day.values()])
    bars = []
    for number, (day, count) in enumerate(per_day.items()):
        height = count / highest * (HEIGHT - 8)
        bars.append(
            Bar(
                x=f"{number * wide:.2f}",
                y=f"{HEIGHT - height:.2f}",
                width=f"{max(wide - 2, 1):.2f}",
                height=f"{height:.2f}",
                day=day,
                episodes=count,
            )
        )
    return bars
