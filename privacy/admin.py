"""Privacy in the admin site: requests due, registers, retention, holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from django import forms
from django.contrib import admin
from django.db.models import F, Model, OuterRef, QuerySet, Subquery
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html

from accounts.models import User
from accounts.selectors import get_user_by_name_or_id
from chatsec.core.admin_pages import RefusalsShown, tell_refusal
from chatsec.core.context import current_actor
from chatsec.core.errors import DomainError, NotFound
from privacy import selectors
from privacy.constants import MANAGE_PRIVACY
from privacy.models import (
    LegalHold,
    NoticeVersion,
    Purpose,
    RequestState,
    RetentionPolicy,
    RetentionRun,
    SubjectRequest,
)
from privacy.services import consent, register, requests, retention
from privacy.tasks import enqueue

# Generic for the type checker only: Django's classes take no parameters at run time.
if TYPE_CHECKING:
    RequestModelForm = forms.ModelForm[SubjectRequest]
    NoticeModelForm = forms.ModelForm[NoticeVersion]
    HoldModelForm = forms.ModelForm[LegalHold]
else:
    RequestModelForm = NoticeModelForm = HoldModelForm = forms.ModelForm


class PrivacyPages(RefusalsShown):
    """Pages for who may manage privacy; rows come and go by services only."""

    can_add = False
    can_change = False

    def _may(self, request: HttpRequest) -> bool:
        return request.user.has_perm(f"rbac.{MANAGE_PRIVACY}")

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Show the pages to who may manage privacy."""
        return self._may(request)

    def has_view_permission(
        self, request: HttpRequest, obj: Model | None = None
    ) -> bool:
        """Let who may manage privacy look."""
        return self._may(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Allow it where a service makes such rows."""
        return self.can_add and self._may(request)

    def has_change_permission(
        self, request: HttpRequest, obj: Model | None = None
    ) -> bool:
        """Allow it where a service changes such rows."""
        return self.can_change and self._may(request)

    def has_delete_permission(
        self, request: HttpRequest, obj: Model | None = None
    ) -> bool:
        """Nothing here is deleted by hand."""
        return False


def _with_names(rows: QuerySet[Model]) -> QuerySet[Model]:
    people = User.objects.filter(id=OuterRef("subject_id")).values("username")
    named: QuerySet[Model] = rows.annotate(person=Subquery(people[:1]))
    return named


def _name_of(row: Model) -> str:
    return getattr(row, "person", None) or "(erased)"


class AnswerForm(RequestModelForm):
    """How a request is closed, and in which words."""

    outcome = forms.ChoiceField(
        choices=[
            (RequestState.COMPLETED, "Completed"),
            (RequestState.REFUSED, "Refused"),
        ]
    )
    resolution = forms.CharField(
        widget=forms.Textarea,
        help_text="The person reads this: what was done, or why it is refused.",
    )

    class Meta:
        model = SubjectRequest
        fields = ("resolution",)


@admin.register(SubjectRequest)
class RequestPages(PrivacyPages):
    """The queue of requests, with their due dates."""

    form = AnswerForm
    list_display = ("kind", "person", "due", "state", "received_at")
    list_filter = ("state", "kind")
    # What is still open comes first, and of that the most urgent.
    ordering = (F("closed_at").desc(nulls_first=True), "due_at")
    actions = ("try_again",)
    readonly_fields = (
        "person",
        "kind",
        "state",
        "identity_proof",
        "received_at",
        "due_at",
        "closed_at",
        "last_error",
    )
    fields = (*readonly_fields, "outcome", "resolution")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Model]:
        """Return the requests with the names of their persons, in one query."""
        return _with_names(super().get_queryset(request))

    def has_change_permission(
        self, request: HttpRequest, obj: Model | None = None
    ) -> bool:
        """Open requests are answered; closed ones are only read."""
        is_open = obj is None or (isinstance(obj, SubjectRequest) and obj.is_open)
        return is_open and self._may(request)

    def get_fields(
        self, request: HttpRequest, obj: Model | None = None
    ) -> tuple[str, ...]:
        """Return the answer's fields only where one can be given."""
        if self.has_change_permission(request, obj):
            return (*self.readonly_fields, "outcome", "resolution")
        return (*self.readonly_fields, "resolution")

    @admin.display(description="person")
    def person(self, row: SubjectRequest) -> str:
        """Return who asked."""
        return _name_of(row)

    @admin.display(description="due", ordering="due_at")
    def due(self, row: SubjectRequest) -> str:
        """Return the due date, marked when it has passed."""
        day = f"{row.due_at:%Y-%m-%d}"
        if row.is_open and row.due_at <= timezone.now():
            return format_html('<span class="badge badge--bad">{} overdue</span>', day)
        return day

    def save_model(
        self,
        request: HttpRequest,
        obj: SubjectRequest,
        form: AnswerForm,
        change: bool,  # noqa: FBT001 - Django's signature
    ) -> None:
        """Close the request as the form says."""
        requests.resolve_request(
            current_actor(),
            obj.pk,
            outcome=form.cleaned_data["outcome"],
            resolution=form.cleaned_data["resolution"],
        )

    @admin.action(description="Try stopped requests again", permissions=["view"])
    def try_again(self, request: HttpRequest, rows: QuerySet[SubjectRequest]) -> None:
        """Hand stopped exports to a worker again."""
        for row in rows:
            try:
                enqueue(requests.retry_request(current_actor(), row.pk))
            except DomainError as refusal:
                tell_refusal(request, refusal, about=str(row))


@admin.register(Purpose)
class PurposePages(PrivacyPages):
    """The register of purposes: reworded here, never given another basis."""

    can_change = True
    list_display = ("title", "basis", "optional", "description")
    fields = ("key", "title", "description", "basis", "optional", "position")
    readonly_fields = ("key", "basis", "optional")

    def save_model(
        self,
        request: HttpRequest,
        obj: Purpose,
        form: object,
        change: bool,  # noqa: FBT001 - Django's signature
    ) -> None:
        """Save the wording."""
        register.reword_purpose(current_actor(), obj)


class NoticeForm(NoticeModelForm):
    """The text of a new version."""

    class Meta:
        model = NoticeVersion
        fields = ("body",)

    def clean_body(self) -> str:
        """Refuse a text that was published before."""
        body: str = self.cleaned_data["body"]
        if selectors.is_published(body):
            raise forms.ValidationError("This text was published before.")
        return body


@admin.register(NoticeVersion)
class NoticePages(PrivacyPages):
    """Versions of the notice: a new one is added, none is changed."""

    can_add = True
    form = NoticeForm
    list_display = ("published_at", "sha256")

    def save_model(
        self,
        request: HttpRequest,
        obj: NoticeVersion,
        form: object,
        change: bool,  # noqa: FBT001 - Django's signature
    ) -> None:
        """Publish the text."""
        notice = consent.publish_notice(current_actor(), body=obj.body)
        obj.pk, obj.sha256 = notice.pk, notice.sha256


@admin.register(RetentionPolicy)
class PolicyPages(PrivacyPages):
    """How long each kind of data is kept."""

    can_change = True
    list_display = ("title", "days", "applies_to")
    fields = ("key", "title", "days", "applies_to")
    readonly_fields = ("key", "title", "applies_to")

    def has_change_permission(
        self, request: HttpRequest, obj: Model | None = None
    ) -> bool:
        """Only a period that something expires by can be changed."""
        is_fixed = obj is not None and not selectors.models_expired_by(obj.pk)
        return not is_fixed and self._may(request)

    @admin.display(description="applies to")
    def applies_to(self, policy: RetentionPolicy) -> str:
        """Return what expires by it."""
        return ", ".join(selectors.models_expired_by(policy.key)) or "fixed"

    def save_model(
        self,
        request: HttpRequest,
        obj: RetentionPolicy,
        form: object,
        change: bool,  # noqa: FBT001 - Django's signature
    ) -> None:
        """Set the period."""
        register.set_retention(current_actor(), key=obj.key, days=obj.days)


@admin.register(RetentionRun)
class RunPages(PrivacyPages):
    """What was deleted, or would be, and when."""

    list_display = ("started_at", "is_dry_run", "finished_at", "rows", "failures")
    list_filter = ("is_dry_run",)

    @admin.display(description="rows")
    def rows(self, run: RetentionRun) -> int:
        """Return how many rows it was in all."""
        return sum(count or 0 for count in run.counts.values())


class HoldForm(HoldModelForm):
    """Whose data must stay, and for which matter."""

    user = forms.CharField(label="User name", max_length=64)

    class Meta:
        model = LegalHold
        fields = ("matter",)

    def clean_user(self) -> str:
        """Refuse a name that is nobody's."""
        try:
            self.instance.subject_id = get_user_by_name_or_id(
                self.cleaned_data["user"]
            ).id
        except NotFound as refusal:
            raise forms.ValidationError("There is no such user.") from refusal
        return str(self.cleaned_data["user"])


@admin.register(LegalHold)
class HoldPages(PrivacyPages):
    """Legal holds: placed here, ended by release."""

    can_add = True
    form = HoldForm
    list_display = ("matter", "person", "placed_at", "released_at")
    list_filter = (("released_at", admin.EmptyFieldListFilter),)
    fields = ("user", "matter")
    actions = ("release",)
    placed: ClassVar[tuple[str, ...]] = (
        "person",
        "matter",
        "placed_at",
        "released_at",
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Model]:
        """Return the holds with the names of their persons, in one query."""
        return _with_names(super().get_queryset(request))

    def get_fields(
        self, request: HttpRequest, obj: Model | None = None
    ) -> tuple[str, ...]:
        """Return the form of a new hold, or what is known of one."""
        return ("user", "matter") if obj is None else self.placed

    def get_readonly_fields(
        self, request: HttpRequest, obj: Model | None = None
    ) -> list[str]:
        """Return what a hold that stands shows."""
        return [] if obj is None else list(self.placed)

    @admin.display(description="person")
    def person(self, row: LegalHold) -> str:
        """Return whose data is held."""
        return _name_of(row)

    def save_model(
        self,
        request: HttpRequest,
        obj: LegalHold,
        form: object,
        change: bool,  # noqa: FBT001 - Django's signature
    ) -> None:
        """Place the hold."""
        placed = retention.place_hold(
            current_actor(), subject_id=obj.subject_id, matter=obj.matter
        )
        obj.pk = placed.pk

    @admin.action(description="Release holds", permissions=["view"])
    def release(self, request: HttpRequest, rows: QuerySet[LegalHold]) -> None:
        """Let the retention policies apply again."""
        for row in rows:
            try:
                retention.release_hold(current_actor(), row.pk)
            except DomainError as refusal:
                tell_refusal(request, refusal, about=str(row))
