from django.apps import AppConfig


class RbacConfig(AppConfig):
    name = "rbac"
    verbose_name = "Roles and permissions"
    # Pages beside those of the models: what it is called, its address, who sees it.
    admin_pages = (
        ("Permission matrix", "permission-matrix", "rbac.view_matrix"),
        ("Role architecture", "role-picture", "rbac.view_matrix"),
        ("Explain a permission", "explain-permission", "rbac.explain"),
        ("Try a condition", "try-condition", "rbac.manage_roles"),
        ("Give a role", "give-role", "rbac.manage_roles"),
    )

    def ready(self) -> None:
        from rbac import checks, events  # noqa: F401  registered by import
