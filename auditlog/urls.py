"""Pages of the audit log in the admin site."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
