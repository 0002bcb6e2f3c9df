"""Shapes of the privacy API."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from privacy import selectors
from privacy.models import ExportArtifact, NoticeVersion, RequestKind, SubjectRequest


class DownloadSerializer(serializers.Serializer[ExportArtifact]):
    """Where a finished export is fetched, how long, and how often."""

    url = serializers.CharField()
    expires_at = serializers.DateTimeField()
    downloads_left = serializers.IntegerField()
    size = serializers.IntegerField()
    sha256 = serializers.CharField()


class RequestSerializer(serializers.ModelSerializer[SubjectRequest]):
    """One of the caller's privacy requests."""

    handled_by = serializers.SerializerMethodField()
    progress = serializers.SerializerMethodField()
    download = serializers.SerializerMethodField()

    class Meta:
        model = SubjectRequest
        fields = (
            "id",
            "kind",
            "state",
            "received_at",
            "due_at",
            "closed_at",
            "resolution",
            "handled_by",
            "progress",
            "download",
        )

    def get_handled_by(self, request: SubjectRequest) -> str:
        """Return who answers it: the system, or an administrator."""
        return "system" if request.is_automatic else "administrator"

    def get_progress(self, request: SubjectRequest) -> int:
        """Return whole percent."""
        return selectors.progress_percent(request)

    @extend_schema_field(DownloadSerializer(allow_null=True))
    def get_download(self, request: SubjectRequest) -> dict[str, Any] | None:
        """Return where the export is, while it can be fetched."""
        artifact = selectors.find_downloadable(request)
        if artifact is None:
            return None
        url = reverse("api-privacy-download", args=[request.id])
        return {
            "url": url,
            "expires_at": artifact.expires_at,
            "downloads_left": artifact.downloads_left,
            "size": artifact.size,
            "sha256": artifact.sha256,
        }


class OpenRequestSerializer(serializers.Serializer[SubjectRequest]):
    """What a new request says; the password where the sign-in is not recent."""

    kind = serializers.ChoiceField(choices=RequestKind.choices)
    password = serializers.CharField(
        required=False, max_length=1024, trim_whitespace=False, write_only=True
    )


class NoticeSerializer(serializers.ModelSerializer[NoticeVersion]):
    """The privacy notice that holds now."""

    class Meta:
        model = NoticeVersion
        fields = ("id", "sha256", "body", "published_at")


class ConsentSerializer(serializers.Serializer[selectors.Consent]):
    """One purpose, and what the caller says about it."""

    purpose = serializers.CharField(source="purpose.key")
    title = serializers.CharField(source="purpose.title")
    description = serializers.CharField(source="purpose.description")
    legal_basis = serializers.CharField(source="purpose.basis")
    optional = serializers.BooleanField(source="purpose.optional")
    granted = serializers.BooleanField()
    in_use = serializers.BooleanField()
    changed_at = serializers.DateTimeField(allow_null=True)


class ConsentDecisionSerializer(serializers.Serializer[selectors.Consent]):
    """A yes or a no; nothing is ticked beforehand."""

    granted = serializers.BooleanField()

    def validate_granted(self, value: bool) -> bool:  # noqa: FBT001 - DRF's signature
        """Accept true and false only: "yes" or 1 are no clear statement."""
        if not isinstance(self.initial_data.get("granted"), bool):
            raise serializers.ValidationError("Must be true or false.")
        return value
