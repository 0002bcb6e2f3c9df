"""Detection rules in the admin site: to see, to change, to except, to try."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Final, NamedTuple
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import OperationalError
from django.http import Http404, HttpRequest, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils import timezone

from auditlog import events, selectors
from auditlog.models import DetectionRule
from auditlog.pages.rule_forms import ExceptionForm, RuleForm, TrialForm
from auditlog.rules import schema_of
from auditlog.services import Target, detection, record
from chatsec.core.admin_pages import guarded, render, show_refusal
from chatsec.core.errors import DomainError, NotFound

SEE, MANAGE = "view_audit", "manage_detection"
WIDTH, HEIGHT = 720, 120
MAX_SHOWN: Final = 20


class Bar(NamedTuple):
    """The episodes of one day."""

    x: str
    y: str
    width: str
    height: str
    day: date
    episodes: int


@guarded(SEE)
def rule_list(request: HttpRequest) -> HttpResponseBase:
    """Show every rule and how its last scan went."""
    context = {"rows": selectors.read_rules(), "may_change": _may_change(request)}
    return render(request, "auditlog/rules.html", "Detection rules", context)


@guarded(MANAGE)
def rule_new(request: HttpRequest) -> HttpResponseBase:
    """Make a rule."""
    form = RuleForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            rule = detection.create_rule(form.cleaned_data["name"], form.terms())
        except DomainError as refusal:
            show_refusal(form, refusal, fields={"rule_exists": "name"})
        else:
            messages.success(request, f"{rule.title}: runs from now on.")
            return HttpResponseRedirect(reverse("audit-rule", args=[rule.pk]))
    context = {"form": form, "may_change": True}
    return render(request, "auditlog/rule.html", "New rule", context)


@guarded(SEE)
def rule_page(request: HttpRequest, *, pk: UUID) -> HttpResponseBase:
    """Show a rule; change it, delete it, or except somebody from it."""
    rule = _rule(pk)
    form, exception = RuleForm(rule=rule), ExceptionForm()
    if request.method == "POST":
        if not _may_change(request):
            raise PermissionDenied
        form, exception, done = _asked(request, rule)
        if done:
            return HttpResponseRedirect(done)
    context = {
        "form": form,
        "rule": rule,
        "schema": schema_of(rule.spec.kind),
        "exception_form": exception,
        "exceptions": selectors.read_exceptions(rule),
        "may_change": _may_change(request),
        "trial": TrialForm(initial={"days": 7}),
    }
    return render(request, "auditlog/rule.html", rule.title, context)


@guarded(SEE)
def rule_trial(request: HttpRequest, *, pk: UUID) -> HttpResponseBase:
    """Show what the rule would have found; nothing but the looking is written."""
    rule = _rule(pk)
    form = TrialForm(request.GET or {"days": "7"})
    context: dict[str, object] = {"form": form, "rule": rule}
    if form.is_valid():
        until, days = timezone.now(), form.cleaned_data["days"]
        target = Target("auditlog.DetectionRule", rule.id, label=rule.name)
        record(events.RULE_TRIED, target=target, details={"days": days})
        since = until - timedelta(days=days)
        try:
            run = detection.dry_run(rule.spec, since=since, until=until)
        except OperationalError:
            form.add_error("days", "This takes too long: try fewer days.")
        else:
            context.update(_shown(run))
    return render(request, "auditlog/rule_trial.html", f"Try: {rule.title}", context)


@guarded(MANAGE)
def exception_end(request: HttpRequest, *, pk: UUID) -> HttpResponseBase:
    """Take an exception back."""
    if request.method != "POST":
        raise Http404
    try:
        rule_id = detection.end_exception(pk)
    except NotFound as missing:
        raise Http404 from missing
    messages.success(request, "The exception counts no more.")
    return HttpResponseRedirect(reverse("audit-rule", args=[rule_id]))


def _asked(
    request: HttpRequest, rule: DetectionRule
) -> tuple[RuleForm, ExceptionForm, str]:
    """Do what was asked for; return the forms with their refusals, or where to go."""
    here = reverse("audit-rule", args=[rule.pk])
    if "except" in request.POST:
        given = ExceptionForm(request.POST)
        is_done = given.is_valid() and _except(rule, given)
        return RuleForm(rule=rule), given, here if is_done else ""
    form = RuleForm(request.POST, rule=rule)
    if "delete" in request.POST:
        form = RuleForm(rule=rule)
        is_done = _delete(request, rule)
        return form, ExceptionForm(), reverse("audit-rules") if is_done else ""
    is_done = form.is_valid() and _change(request, rule, form)
    return form, ExceptionForm(), here if is_done else ""


def _change(request: HttpRequest, rule: DetectionRule, form: RuleForm) -> bool:
    try:
        changed = detection.change_rule(rule.pk, form.terms())
    except DomainError as refusal:
        show_refusal(form, refusal, fields={})
        return False
    messages.success(request, f"Saved as version {changed.version}.")
    return True


def _delete(request: HttpRequest, rule: DetectionRule) -> bool:
    try:
        detection.delete_rule(rule.pk)
    except DomainError as refusal:
        messages.error(request, refusal.message)
        return False
    messages.success(request, f"{rule.title}: deleted.")
    return True


def _except(rule: DetectionRule, form: ExceptionForm) -> bool:
    given = form.cleaned_data
    try:
        detection.make_exception(
            rule.pk,
            form.whom(),
            reason=given["reason"],
            expires_at=given["expires_on"],
        )
    except DomainError as refusal:
        show_refusal(form, refusal, fields={"expires_at": "expires_on"})
        return False
    return True


def _shown(run: detection.DryRun) -> dict[str, object]:
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


def _rule(pk: UUID) -> DetectionRule:
    try:
        return selectors.get_rule(pk)
    except NotFound as missing:
        raise Http404 from missing


def _may_change(request: HttpRequest) -> bool:
    return bool(request.user.has_perm(f"rbac.{MANAGE}"))
