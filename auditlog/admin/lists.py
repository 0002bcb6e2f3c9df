"""Lists that are read and never changed."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, cast

from django.contrib import admin
from django.core.exceptions import BadRequest, PermissionDenied
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.functional import cached_property

from auditlog.models import Event
from auditlog.registry import event_types

if TYPE_CHECKING:
    AnyAdmin = admin.ModelAdmin[Any]
    AnyPaginator = Paginator[Any]
else:  # the stubs know generics, Django does not
    AnyAdmin, AnyPaginator = admin.ModelAdmin, Paginator

VIEW_AUDIT = "rbac.view_audit"
MAX_COUNTED = 10_000
PERIODS = {
    "hour": ("Last hour", timedelta(hours=1)),
    "day": ("Last 24 hours", timedelta(days=1)),
    "week": ("Last 7 days", timedelta(days=7)),
    "month": ("Last 30 days", timedelta(days=30)),
    "quarter": ("Last 90 days", timedelta(days=90)),
}


class CappedPaginator(AnyPaginator):
    """Counts no further than anybody would page through: a log has no end."""

    @cached_property
    def count(self) -> int:
        """Return the number of rows, at most MAX_COUNTED."""
        rows = cast("QuerySet[Event]", self.object_list)
        return rows.order_by()[:MAX_COUNTED].count()


class TypeFilter(admin.SimpleListFilter):
    """One kind of event."""

    title = "event"
    parameter_name = "type"

    def lookups(
        self, request: HttpRequest, model_admin: AnyAdmin
    ) -> list[tuple[str, str]]:
        """Return every registered type."""
        return [(name, name) for name in sorted(event_types())]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[Event]
    ) -> QuerySet[Event]:
        """Return the events of the chosen type."""
        chosen = self.value()
        return queryset.filter(event_type=chosen) if chosen else queryset


class PeriodFilter(admin.SimpleListFilter):
    """How far back."""

    title = "time"
    parameter_name = "period"

    def lookups(
        self, request: HttpRequest, model_admin: AnyAdmin
    ) -> list[tuple[str, str]]:
        """Return the periods."""
        return [(key, label) for key, (label, _) in PERIODS.items()]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[Event]
    ) -> QuerySet[Event]:
        """Return the events of the chosen period."""
        chosen = PERIODS.get(self.value() or "")
        if chosen is None:
            return queryset
        return queryset.filter(occurred_at__gte=timezone.now() - chosen[1])


class ReadOnlyAdmin(AnyAdmin):
    """Shown to who holds `view_audit`; changed by nobody."""

    actions = None
    list_display_links: Any = None
    list_per_page = 50
    show_full_result_count = False
    # Counting every filter's rows would read the whole log.
    show_facets = admin.ShowFacets.NEVER
    paginator = CappedPaginator

    class Media:
        css = {"all": ["auditlog/admin.css"]}

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Whether the audit log appears on the index."""
        return self.has_view_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whether this visitor is an auditor."""
        return bool(request.user.has_perm(VIEW_AUDIT))

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Events come from services only."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Evidence does not change."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Evidence goes by retention, a partition at a time."""
        return False

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Whether a filter of the page asks for it.

        Django takes any lookup on any column: a pattern that is matched with every
        event, or text for a column of bytes.
        """
        offered = {getattr(each, "parameter_name", each) for each in self.list_filter}
        return lookup.removesuffix("__exact") in offered

    def changelist_view(
        self, request: HttpRequest, extra_context: Any = None
    ) -> HttpResponse:
        """Show the list; a NUL, which no column holds, is a bad request."""
        if any("\x00" in value for _, value in request.GET.items()):
            raise BadRequest("A parameter holds a NUL character.")
        return super().changelist_view(request, extra_context)

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: Any = None
    ) -> HttpResponse:
        """Refuse: what never changes has no history."""
        raise PermissionDenied
