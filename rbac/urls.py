"""Pages of the admin site that are no model's, and "My roles"."""

from django.urls import path

from rbac.pages import (
    access,
    explaining,
    giving,
    matrix,
    objects,
    picture,
    trying,
)

urlpatterns = [
    path("admin/rbac/matrix/", matrix.matrix, name="permission-matrix"),
    path("admin/rbac/picture/", picture.picture, name="role-picture"),
    path("admin/rbac/explain/", explaining.explain, name="explain-permission"),
    path("admin/rbac/try/", trying.try_condition, name="try-condition"),
    path("admin/rbac/give/", giving.give, name="give-role"),
    path("admin/rbac/give-many/", giving.give_many, name="give-role-to-many"),
    path(
        "admin/rbac/assignment/<uuid:pk>/take-back/",
        giving.take_back,
        name="take-role-back",
    ),
    path(
        "admin/rbac/objects/<str:label>/<uuid:pk>/",
        objects.object_permissions,
        name="object-permissions",
    ),
    path("access", access.access_page, name="access"),
    path("access/requests", access.ask, name="access-ask"),
    path(
        "access/requests/<uuid:request_id>/cancel",
        access.cancel,
        name="access-cancel",
    ),
    path("access/break-glass", access.break_the_glass, name="access-break-glass"),
    path(
        "access/break-glass/<uuid:activation_id>/end",
        access.mend_the_glass,
        name="access-break-glass-end",
    ),
]
