"""Roles and their governance in the admin site."""

from rbac.admin import governance, roles

__all__ = ["governance", "roles"]
