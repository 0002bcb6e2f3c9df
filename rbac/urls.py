"""Pages of the admin site that are no model's."""

from django.urls import path

from rbac import views

urlpatterns = [
    path("admin/rbac/matrix/", views.matrix, name="permission-matrix"),
    path("admin/rbac/explain/", views.explain, name="explain-permission"),
]
