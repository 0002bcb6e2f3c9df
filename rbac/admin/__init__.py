"""Roles and their governance in the admin site."""

from rbac.admin import governance, people, roles

__all__ = ["governance", "people", "roles"]
