"""The audit log's place among the apps."""

from django.apps import AppConfig


class AuditlogConfig(AppConfig):
    """Registers the event types of every app and the start-up checks."""

    name = "auditlog"
    verbose_name = "Audit log"
    # Pages beside those of the models: what it is called, its address, who sees it.
    admin_pages = (
        ("Search", "audit-search", "rbac.view_audit"),
        ("Watch", "audit-live", "rbac.view_audit"),
        ("Detection rules", "audit-rules", "rbac.view_audit"),
        ("Incidents", "audit-incidents", "rbac.view_audit"),
        ("Seals and checks", "audit-seals", "rbac.view_audit"),
        ("Who is told of incidents", "audit-routes", "rbac.manage_incidents"),
    )
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from django.utils.module_loading import autodiscover_modules

        from auditlog import checks  # noqa: F401  registers itself

        autodiscover_modules("events")
