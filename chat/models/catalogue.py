"""The governed catalogue: data sources, datasets, queries."""

from __future__ import annotations

from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from uuid_utils.compat import uuid7

from chat.constants import (
    DEFAULT_MAX_ROWS,
    DEFAULT_TIMEOUT_MS,
    MAX_MAX_ROWS,
    MAX_TIMEOUT_MS,
)
from chatsec.core import crypto

KEY = RegexValidator(
    r"^[a-z][a-z0-9_]{0,62}\Z", "Lower case letters, digits and _, a letter first."
)
CODE = RegexValidator(r"^[a-z][a-z0-9_.]{0,98}\Z", "A permission code.")


class DataSource(models.Model):
    """A company database; its URL is sealed and never shown again."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    name = models.CharField(max_length=63, unique=True, validators=[KEY])
    url_sealed = models.BinaryField(editable=False)
    updated_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return self.name

    def seal_url(self, url: str) -> None:
        """Hold `url` under the installation's key, bound to this row."""
        self.url_sealed = crypto.seal(
            _source_key(), url.encode(), associated_data=self._place()
        )

    def open_url(self) -> str:
        """Return the URL; raise DecryptionFailed if the row was tampered with."""
        blob = bytes(self.url_sealed)
        bound_to = self._place()
        return crypto.open_sealed(
            _source_key(), blob, associated_data=bound_to
        ).decode()

    def _place(self) -> bytes:
        place = crypto.Place("chat_datasource", "url", self.id)
        return place.associated_data("installation")


def _source_key() -> bytes:
    return crypto.derived_key("chat.data-source-url")


class Dataset(models.Model):
    """A relation with classified columns; query SQL can name nothing else."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    name = models.CharField(max_length=63, unique=True, validators=[KEY])
    source = models.ForeignKey(
        DataSource, on_delete=models.PROTECT, related_name="datasets"
    )
    relation = models.CharField(max_length=127)
    # [{"name", "label", "type", "classification"}], held against DatasetSpec.
    columns = models.JSONField()
    person_column = models.CharField(max_length=63, blank=True)
    updated_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return self.name


class QueryKind(models.TextChoices):
    """Who answers a question of the catalogue."""

    SQL = "sql", "Rows of datasets"
    ACTION = "action", "An action that is recorded"
    OWN_DATA = "own_data", "What is held on the caller"
    KNOWLEDGE = "knowledge", "The knowledge base"
    HELP = "help", "What the assistant can do"


class DataClassification(models.TextChoices):
    """How an answer may be treated."""

    PUBLIC = "public", "Public"
    INTERNAL = "internal", "Internal"
    CONFIDENTIAL = "confidential", "Confidential"
    RESTRICTED = "restricted", "Restricted"


class QueryDefinition(models.Model):
    """One question that the company allows, with everything that guards it."""

    # What can be given on a single one.
    object_permissions = ("run_querydefinition",)

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    key = models.CharField(max_length=63, unique=True, validators=[KEY])
    title = models.CharField(max_length=120, blank=True)
    resource_type = models.CharField(
        max_length=60, blank=True, help_text="Named in refusals: “… access to X data”."
    )
    kind = models.CharField(
        max_length=12, choices=QueryKind.choices, default=QueryKind.SQL
    )
    examples = models.JSONField(default=list, blank=True)
    parameters = models.JSONField(
        default=dict, blank=True, help_text="JSON schema of the slots."
    )
    datasets = models.ManyToManyField(Dataset, related_name="queries", blank=True)
    sql = models.TextField(blank=True)
    permission = models.CharField(max_length=99, blank=True, validators=[CODE])
    aggregate_only = models.BooleanField(default=False)
    pii = models.BooleanField("PII", default=False)
    requires_mfa = models.BooleanField("requires MFA", default=False)
    data_classification = models.CharField(
        max_length=12, choices=DataClassification.choices, blank=True
    )
    audit_log = models.BooleanField("audit every access", default=False)
    purposes = models.JSONField(default=list, blank=True)
    timeout_ms = models.PositiveIntegerField(
        default=DEFAULT_TIMEOUT_MS,
        validators=[MinValueValidator(1), MaxValueValidator(MAX_TIMEOUT_MS)],
    )
    max_rows = models.PositiveIntegerField(
        default=DEFAULT_MAX_ROWS,
        validators=[MinValueValidator(1), MaxValueValidator(MAX_MAX_ROWS)],
    )
    enabled = models.BooleanField(default=True)
    # Raised by every change: figures that an older version released are not shown.
    version = models.PositiveIntegerField(default=1, editable=False)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["key"]
        verbose_name = "query"
        verbose_name_plural = "queries"
        # On a query, for its own permission: whoever is given it on one may run it.
        permissions = [("run_querydefinition", "Can run query")]

    def __str__(self) -> str:
        return self.key

    def opened_codes(self) -> frozenset[str]:
        """Return the permission that running it stands for."""
        return frozenset({self.permission} - {""})

    @property
    def missing_fields(self) -> tuple[str, ...]:
        """Return the required fields that are empty; such an entry is never run."""
        required = {
            "title": self.title,
            "resource_type": self.resource_type,
            "permission": self.permission,
            "data_classification": self.data_classification,
            "purposes": self.purposes,
        }
        if self.kind == QueryKind.SQL:
            required["sql"] = self.sql
        return tuple(name for name, value in required.items() if not value)

    @property
    def is_access_logged(self) -> bool:
        """Whether every access leaves a data_access event: all but public data."""
        if self.pii or self.audit_log:
            return True
        is_public = self.data_classification == DataClassification.PUBLIC
        return self.kind == QueryKind.SQL and not is_public
