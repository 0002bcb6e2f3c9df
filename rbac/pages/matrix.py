"""The permission matrix: roles by permissions, and where each cell comes from."""

from __future__ import annotations

from typing import NamedTuple

from django import forms
from django.contrib.auth.models import Permission
from django.db.models import Q
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone

from chatsec.core.admin_pages import WIDE, guarded, render
from rbac import selectors
from rbac.constants import VIEW_MATRIX
from rbac.holders import list_active_assignments
from rbac.models import Role
from rbac.policy import Snapshot
from rbac.policy.compilation import AGGREGATE_SUFFIX
from rbac.policy.decisions import Held
from rbac.policy.matrix import Cell, matrix_of
from rbac.policy.roles import covers

# What a page can show and a person can read; the filter finds the rest.
MAX_ROLES, MAX_CODES = 25, 200


class FilterForm(forms.Form):
    """Parts of names."""

    q = forms.CharField(label="Permission", required=False, max_length=100)
    r = forms.CharField(label="Role", required=False, max_length=100)


class Why(NamedTuple):
    """A cell with every grant that speaks of it."""

    code: str
    role: Role
    cell: Cell
    held: tuple[Held, ...]
    holders: int


@guarded(VIEW_MATRIX)
def matrix(request: HttpRequest) -> HttpResponseBase:
    """Show roles by permissions; a chosen cell says where it comes from."""
    form = FilterForm(request.GET)
    wanted = form.cleaned_data if form.is_valid() else {"q": "", "r": ""}
    roles, more_roles = _roles(wanted["r"])
    names, more_codes = _codes(wanted["q"])
    snapshot = selectors.current_snapshot()
    rows = matrix_of(snapshot, roles=[role.name for role in roles], codes=names)
    context = {
        "form": form,
        "roles": roles,
        "rows": [(row, names[row.code]) for row in rows],
        "is_cut": more_roles or more_codes,
        "why": _why(request, snapshot),
        **WIDE,
    }
    return render(request, "rbac/matrix.html", "Permission matrix", context)


def _roles(part: str) -> tuple[list[Role], bool]:
    rows = Role.objects.order_by("-is_system", "created_at", "name")
    if part:
        rows = rows.filter(Q(name__icontains=part) | Q(label__icontains=part))
    found = list(rows[: MAX_ROLES + 1])
    return found[:MAX_ROLES], len(found) > MAX_ROLES


def _codes(part: str) -> tuple[dict[str, str], bool]:
    """Return the domain's codes with their names, as registered."""
    rows = Permission.objects.filter(
        content_type__app_label="rbac", content_type__model="domain"
    ).order_by("pk")
    if part:
        rows = rows.filter(Q(codename__icontains=part) | Q(name__icontains=part))
    found = list(rows.values_list("codename", "name")[: MAX_CODES + 1])
    return dict(found[:MAX_CODES]), len(found) > MAX_CODES


def _why(request: HttpRequest, snapshot: Snapshot) -> Why | None:
    code, name = request.GET.get("permission", ""), request.GET.get("role", "")
    if code not in snapshot.bits or name not in snapshot.roles:
        return None
    role = Role.objects.filter(name=name).first()
    if role is None:  # gone since the policy was compiled
        return None
    (row,) = matrix_of(snapshot, roles=[name], codes=[code])
    wanted = (code, code + AGGREGATE_SUFFIX)
    held = tuple(
        item
        for item in snapshot.roles[name].held
        if any(covers(item.grant.code, one) for one in wanted)
    )
    active = list_active_assignments(now=timezone.now())
    holders = active.filter(role=role, user__is_active=True).count()
    return Why(code, role, row.cells[0], held, holders)
