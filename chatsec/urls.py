"""Every address that chatsec answers."""

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from chatsec.core import csp_reports, health, well_known
from chatsec.core.schema import DocsView, SchemaView

api = [
    path("", include("accounts.api.urls")),
    path("", include("rbac.api.urls")),
    path("", include("auditlog.api.urls")),
    path("", include("privacy.api.urls")),
    path("", include("chat.api.urls")),
]

urlpatterns = [
    path("api/v1/", include(api)),
    path("api/schema/", SchemaView.as_view(), name="schema"),
    path("api/docs/", DocsView.as_view(url_name="schema"), name="api-docs"),
    path("healthz", health.live, name="healthz"),
    path("readyz", health.ready, name="readyz"),
    path("metrics", health.metrics, name="metrics"),
    path(".well-known/security.txt", well_known.security_txt, name="security-txt"),
    path(".well-known/gpc.json", well_known.gpc, name="gpc"),
    path("robots.txt", well_known.robots_txt, name="robots-txt"),
    path("csp-reports", csp_reports.receive, name="csp-reports"),
    # Pages below /admin/ come before the site's own.
    path("", include("rbac.urls")),
    path("", include("auditlog.urls")),
    path("favicon.ico", RedirectView.as_view(url="/static/img/mark.svg")),
    path("admin/", admin.site.urls),
    path("", include("accounts.urls")),
    path("", include("privacy.urls")),
    path("", include("chat.urls")),
]

handler400 = "chatsec.core.pages.bad_request"
handler403 = "chatsec.core.pages.forbidden"
handler404 = "chatsec.core.pages.not_found"
handler500 = "chatsec.core.pages.server_error"
