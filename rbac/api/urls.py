"""Routes of roles, assignments, decisions and one's own profile."""

from django.urls import path

from rbac.api import governance, views

urlpatterns = [
    path("me", views.MeView.as_view(), name="api-me"),
    path("rbac/roles", views.RolesView.as_view(), name="api-roles"),
    path("rbac/roles/<str:name>", views.RoleView.as_view(), name="api-role"),
    path("rbac/assignments", views.AssignmentsView.as_view(), name="api-assignments"),
    path(
        "rbac/assignments/<uuid:assignment_id>",
        views.AssignmentView.as_view(),
        name="api-assignment",
    ),
    path(
        "rbac/requests",
        governance.AccessRequestsView.as_view(),
        name="api-access-requests",
    ),
    path(
        "rbac/requests/<uuid:request_id>/approve",
        governance.ApproveRequestView.as_view(),
        name="api-access-request-approve",
    ),
    path(
        "rbac/requests/<uuid:request_id>/deny",
        governance.DenyRequestView.as_view(),
        name="api-access-request-deny",
    ),
    path(
        "rbac/requests/<uuid:request_id>/cancel",
        governance.CancelRequestView.as_view(),
        name="api-access-request-cancel",
    ),
    path(
        "rbac/break-glass",
        governance.BreakGlassesView.as_view(),
        name="api-break-glasses",
    ),
    path(
        "rbac/break-glass/<uuid:activation_id>",
        governance.BreakGlassView.as_view(),
        name="api-break-glass",
    ),
    path("rbac/check", views.CheckView.as_view(), name="api-check"),
    path("rbac/matrix", views.MatrixView.as_view(), name="api-matrix"),
]
