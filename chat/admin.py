"""The catalogue editor. Conversations are listed without a word of what was said."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django import forms
from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html

from chat.datasets.errors import DefinitionRefused
from chat.datasets.sources import parse_source_url
from chat.models import (
    INTERNAL,
    PUBLIC_ANSWERS,
    Article,
    Conversation,
    Dataset,
    DataSource,
    KnowledgeCollection,
    QueryDefinition,
)
from chat.services.catalogue import (
    dataset_problems,
    query_problems,
    save_dataset,
    save_query,
    save_source,
)
from chatsec.core.context import current_actor
from rbac.services import check_permission

MANAGE = "manage_catalogue"
# The stubs are generic, the classes are not.
if TYPE_CHECKING:
    Admin = admin.ModelAdmin[Any]
    QueryModelForm = forms.ModelForm[QueryDefinition]
    DatasetModelForm = forms.ModelForm[Dataset]
    SourceModelForm = forms.ModelForm[DataSource]
else:
    Admin = admin.ModelAdmin
    QueryModelForm = DatasetModelForm = SourceModelForm = forms.ModelForm


class CatalogueAdmin(Admin):
    """Editable by who manages the catalogue, and by nobody else."""

    needed: ClassVar[str] = MANAGE

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Whether the actor manages the catalogue."""
        return check_permission(current_actor(), self.needed)

    def has_view_permission(
        self, request: HttpRequest, obj: Model | None = None
    ) -> bool:
        """Whether the actor manages the catalogue."""
        return self.has_module_permission(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Whether the actor manages the catalogue."""
        return self.has_module_permission(request)

    def has_change_permission(
        self, request: HttpRequest, obj: Model | None = None
    ) -> bool:
        """Whether the actor manages the catalogue."""
        return self.has_module_permission(request)

    def has_delete_permission(
        self, request: HttpRequest, obj: Model | None = None
    ) -> bool:
        """Whether the actor manages the catalogue."""
        return self.has_module_permission(request)


class QueryForm(QueryModelForm):
    """Holds an entry against the same rules that publishing does."""

    class Meta:
        model = QueryDefinition
        fields = (
            "key",
            "title",
            "resource_type",
            "enabled",
            "kind",
            "examples",
            "datasets",
            "parameters",
            "sql",
            "permission",
            "aggregate_only",
            "pii",
            "requires_mfa",
            "data_classification",
            "audit_log",
            "purposes",
            "timeout_ms",
            "max_rows",
        )

    def clean(self) -> dict[str, Any]:
        """Put what is wrong beside the field that it is about."""
        cleaned: dict[str, Any] = super().clean() or {}
        if self.errors:
            return cleaned
        for name in set(self.fields) - {"datasets"}:
            setattr(self.instance, name, cleaned[name])
        for name, problems in query_problems(
            self.instance, list(cleaned["datasets"])
        ).items():
            for problem in problems:
                self.add_error(name if name in self.fields else None, problem)
        return cleaned


class DatasetForm(DatasetModelForm):
    """A dataset with soundly declared columns."""

    class Meta:
        model = Dataset
        fields = ("name", "source", "relation", "columns", "person_column")
        help_texts: ClassVar = {
            "columns": "A list of {name, label, type, classification, mask}; a mask"
            " (null, hash, last4, bucket:1000, bucket:month) limits what anybody sees.",
            "person_column": "Whose figures a row holds: aggregates count these.",
        }

    def clean(self) -> dict[str, Any]:
        """Put what is wrong beside the field that it is about."""
        cleaned: dict[str, Any] = super().clean() or {}
        if self.errors:
            return cleaned
        for name, value in cleaned.items():
            setattr(self.instance, name, value)
        for name, problems in dataset_problems(self.instance).items():
            for problem in problems:
                self.add_error(name, problem)
        return cleaned


class SourceForm(SourceModelForm):
    """A data source; the URL can be replaced and is never shown."""

    url = forms.CharField(
        label="New URL",
        required=False,
        strip=True,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
        help_text="postgresql://user:password@host/database; empty keeps the old one.",
    )

    class Meta:
        model = DataSource
        fields = ("name",)

    def clean_url(self) -> str:
        """Return a usable URL; the first one is required."""
        url: str = self.cleaned_data["url"]
        source: DataSource = self.instance
        if not url:
            if not source.url_sealed:
                raise forms.ValidationError("A data source needs a URL.")
            return source.open_url()
        try:
            return parse_source_url(url)
        except DefinitionRefused as error:
            raise forms.ValidationError(str(error)) from error


class ObjectPermissionsLink(CatalogueAdmin):
    """Leads to the page of who holds a permission on this one object."""

    readonly_fields: ClassVar[tuple[str, ...]] = ("object_permissions_page",)

    @admin.display(description="given in person")
    def object_permissions_page(self, obj: Model) -> str:
        """Return the link; a new object has nobody yet."""
        if obj.pk is None or obj._state.adding:  # noqa: SLF001 - documented state
            return "-"
        kind = obj._meta.label_lower  # noqa: SLF001 - documented model API
        page = reverse("object-permissions", kwargs={"label": kind, "pk": obj.pk})
        return format_html('<a href="{}">Who may, beside roles</a>', page)


@admin.register(QueryDefinition)
class QueryDefinitionAdmin(ObjectPermissionsLink):
    """The catalogue."""

    form = QueryForm
    list_display = (
        "key",
        "title",
        "permission",
        "aggregate_only",
        "pii",
        "requires_mfa",
        "data_classification",
        "enabled",
    )
    list_filter = ("enabled", "data_classification", "pii", "requires_mfa")
    search_fields = ("key", "title", "permission")
    filter_horizontal = ("datasets",)

    def save_model(
        self, request: HttpRequest, obj: Model, form: QueryForm, change: object
    ) -> None:
        """Publish the entry as a new version."""
        if isinstance(obj, QueryDefinition):
            save_query(
                current_actor(), obj, datasets=list(form.cleaned_data["datasets"])
            )


@admin.register(Dataset)
class DatasetAdmin(CatalogueAdmin):
    """Relations and their classified columns."""

    form = DatasetForm
    list_display = ("name", "source", "relation", "person_column", "updated_at")
    list_select_related = ("source",)

    def save_model(
        self, request: HttpRequest, obj: Model, form: DatasetForm, change: object
    ) -> None:
        """Keep the dataset with its evidence."""
        if isinstance(obj, Dataset):
            save_dataset(current_actor(), obj)


@admin.register(DataSource)
class DataSourceAdmin(CatalogueAdmin):
    """Company databases; no URL ever leaves."""

    form = SourceForm
    list_display = ("name", "updated_at")

    def save_model(
        self, request: HttpRequest, obj: Model, form: SourceForm, change: object
    ) -> None:
        """Keep the source with its URL sealed."""
        if isinstance(obj, DataSource):
            save_source(current_actor(), obj, url=form.cleaned_data["url"])


@admin.register(KnowledgeCollection)
class KnowledgeCollectionAdmin(ObjectPermissionsLink):
    """Articles that are opened together."""

    list_display = ("name", "description", "updated_at")

    def has_delete_permission(
        self, request: HttpRequest, obj: Model | None = None
    ) -> bool:
        """Whether it may go: not those that new articles come to."""
        if obj is not None and obj.pk in (INTERNAL, PUBLIC_ANSWERS):
            return False
        return super().has_delete_permission(request, obj)

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Leave out deleting in bulk, which asks about no single one."""
        found = super().get_actions(request)
        return {name: one for name, one in found.items() if name != "delete_selected"}


@admin.register(Article)
class ArticleAdmin(CatalogueAdmin):
    """The knowledge base."""

    list_display = ("title", "collection", "permission", "updated_at")
    list_select_related = ("collection",)
    list_filter = ("collection", "permission")
    search_fields = ("title", "body")
    prepopulated_fields = {"slug": ("title",)}


@admin.register(Conversation)
class ConversationAdmin(CatalogueAdmin):
    """When was talked and how much; never what. Nothing can be changed here."""

    needed = "view_audit"
    list_display = ("id", "owner", "channel", "message_count", "last_message_at")
    list_select_related = ("owner",)
    list_filter = ("channel",)
    date_hierarchy = "created_at"
    fields = (
        "id",
        "owner",
        "channel",
        "message_count",
        "created_at",
        "last_message_at",
        "delete_on",
    )
    readonly_fields = fields

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Nobody writes in somebody's name."""
        return False

    def has_change_permission(
        self, request: HttpRequest, obj: Model | None = None
    ) -> bool:
        """Nobody changes what was said."""
        return False

    def has_delete_permission(
        self, request: HttpRequest, obj: Model | None = None
    ) -> bool:
        """Owners and retention delete; an administrator does not."""
        return False
