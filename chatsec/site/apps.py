from axes import apps as axes_apps
from django.apps import AppConfig
from django.contrib.admin import apps as admin_apps


class SiteConfig(AppConfig):
    name = "chatsec.site"
    label = "chatsec_site"
    default = True

    def ready(self) -> None:
        # Tasks find their application once Django is up; a process without Django,
        # such as the keeper of the embedded engines, never loads it.
        from chatsec import celery  # noqa: F401 - imported for what it registers


class ChatsecAdminConfig(admin_apps.AdminConfig):
    default = False
    default_site = "chatsec.site.admin_site.ChatsecAdminSite"


class AttemptsConfig(axes_apps.AppConfig):  # type: ignore[misc]  # has no types
    default = False
    # What its pages are about, where the library's name says nothing to an auditor.
    verbose_name = "Failed sign-ins"
