"""Routes of roles, assignments, decisions and one's own profile."""

from django.urls import path

from rbac.api import views

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
    path("rbac/check", views.CheckView.as_view(), name="api-check"),
    path("rbac/matrix", views.MatrixView.as_view(), name="api-matrix"),
]
