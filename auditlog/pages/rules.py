"""Detection rules in the admin site: to see, to change, to except."""

from __future__ import annotations

import json
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import reverse

from auditlog import selectors
from auditlog.constants import RULE_KINDS, RuleKind
from auditlog.models import DetectionRule
from auditlog.pages.rule_forms import ExceptionForm, RuleForm, TrialForm, WhyForm
from auditlog.rules import schema_of
from auditlog.services import detection
from auditlog.services.reading import read_rule_history
from chatsec.core.admin_pages import guarded, render, show_refusal, tell_refusal
from chatsec.core.context import current_actor
from chatsec.core.errors import DomainError, Invalid, NotFound

SEE, MANAGE = "view_audit", "manage_detection"
# Beside the rule stand the newest changes; its own page has all, so many at once.
FEW_CHANGES, MANY_CHANGES = 10, 50


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
            rule = detection.create_rule(
                form.cleaned_data["name"],
                form.terms(),
                reason=form.cleaned_data["reason"],
            )
        except DomainError as refusal:
            show_refusal(form, refusal, fields={"rule_exists": "name"})
        else:
            messages.success(request, f"{rule.title}: runs from now on.")
            return HttpResponseRedirect(reverse("audit-rule", args=[rule.pk]))
    schemas = [(kind.replace("_", " "), _schema(kind)) for kind in RULE_KINDS]
    context = {"form": form, "may_change": True, "schemas": schemas}
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
        # As it is now: what was asked may be refused because it is another.
        rule = _rule(pk)
    context = {
        "form": form,
        "rule": rule,
        "schema": _schema(rule.spec.kind),
        "exception_form": exception,
        "exceptions": selectors.read_exceptions(rule, reader_id=current_actor().id),
        "may_change": _may_change(request),
        "trial": TrialForm(initial={"days": 7}),
        "history": read_rule_history(pk, size=FEW_CHANGES),
    }
    return render(request, "auditlog/rule.html", rule.title, context)


@guarded(SEE)
def rule_history(request: HttpRequest, *, pk: UUID) -> HttpResponseBase:
    """Show every change of a rule, page by page; a deleted one's too."""
    cursor = request.GET.get("cursor", "")
    try:
        history = read_rule_history(pk, cursor=cursor, size=MANY_CHANGES)
    except (Invalid, NotFound) as refusal:
        raise Http404 from refusal
    rule = selectors.find_rule(pk)
    context = {"history": history, "rule": rule}
    title = f"History: {rule.title}" if rule else "History of a deleted rule"
    return render(request, "auditlog/rule_history.html", title, context)


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


@guarded(MANAGE)
def exception_approve(request: HttpRequest, *, pk: UUID) -> HttpResponseBase:
    """Let an exception from a floor rule count, as the second person."""
    if request.method != "POST":
        raise Http404
    try:
        here = reverse("audit-rule", args=[selectors.rule_of_exception(pk)])
    except NotFound as missing:
        raise Http404 from missing
    try:
        detection.approve_exception(pk)
    except DomainError as refusal:
        tell_refusal(request, refusal)
    else:
        messages.success(request, "The exception counts from now on.")
    return HttpResponseRedirect(here)


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
        changed = detection.change_rule(
            rule.pk,
            form.terms(),
            version=form.cleaned_data["version"],
            reason=form.cleaned_data["reason"],
        )
    except DomainError as refusal:
        show_refusal(form, refusal, fields={})
        return False
    messages.success(request, f"Saved as version {changed.version}.")
    return True


def _delete(request: HttpRequest, rule: DetectionRule) -> bool:
    asked = WhyForm(request.POST)
    if not asked.is_valid():
        for name, (error, *_) in asked.errors.items():
            messages.error(request, f"{asked[name].label}: {error}")
        return False
    try:
        detection.delete_rule(rule.pk, **asked.cleaned_data)
    except DomainError as refusal:
        tell_refusal(request, refusal)
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


def _schema(kind: RuleKind) -> str:
    return json.dumps(schema_of(kind), indent=2, ensure_ascii=False)


def _rule(pk: UUID) -> DetectionRule:
    try:
        return selectors.get_rule(pk)
    except NotFound as missing:
        raise Http404 from missing


def _may_change(request: HttpRequest) -> bool:
    return bool(request.user.has_perm(f"rbac.{MANAGE}"))
