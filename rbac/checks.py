"""System checks: no API view without a named permission."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from django.core.checks import CheckMessage, Error, Tags, register
from django.urls import URLPattern, URLResolver, get_resolver

if TYPE_CHECKING:
    from rest_framework.views import APIView

FOREIGN = ("drf_spectacular.",)  # describe the API; name their own permissions


@register(Tags.security)
def every_view_names_its_permission(
    app_configs: Sequence[object] | None, **_options: object
) -> list[CheckMessage]:
    """Return rbac.E001 for each API view that the guard would refuse or not guard."""
    if app_configs is not None:
        return []
    found = dict.fromkeys(_api_views(get_resolver().url_patterns))
    return [
        Error(
            f"{view.__module__}.{view.__qualname__} {problem}",
            hint="Set required_permission to a code, PUBLIC, SIGNED_IN or ANY_CALLER.",
            obj=view,
            id="rbac.E001",
        )
        for view in found
        if (problem := problem_of(view))
    ]


def problem_of(view: type[APIView]) -> str:
    """Return what is wrong with how the view is guarded, or nothing."""
    # Not at the top: it is loaded by the settings of REST framework itself.
    from rbac.api.permissions import (  # noqa: PLC0415
        RequiredPermission,
        required_permission,
    )

    if RequiredPermission not in view.permission_classes:
        return "is not guarded by RequiredPermission"
    methods = [name.upper() for name in view.http_method_names if hasattr(view, name)]
    for method in methods:
        if method not in ("OPTIONS", "HEAD") and not required_permission(view, method):
            return f"names no permission for {method}"
    named = getattr(view, "required_permission", None)
    if isinstance(named, Mapping) and not named:
        return "names no permission"
    return ""


def _api_views(
    patterns: Sequence[URLPattern | URLResolver],
) -> Iterator[type[APIView]]:
    from rest_framework.views import APIView  # noqa: PLC0415

    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from _api_views(pattern.url_patterns)
            continue
        view = getattr(pattern.callback, "cls", None)
        if not isinstance(view, type) or not issubclass(view, APIView):
            continue
        if not any(base.__module__.startswith(FOREIGN) for base in view.__mro__):
            yield view
