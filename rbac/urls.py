"""Pages of the admin site that are no model's."""

from django.urls import path

from rbac.pages import explaining, giving, matrix, picture, trying

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
]
