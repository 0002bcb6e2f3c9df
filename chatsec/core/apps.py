from django.apps import AppConfig


class CoreConfig(AppConfig):
    name = "chatsec.core"
    label = "core"

    def ready(self) -> None:
        from chatsec.core import checks, personal_data  # noqa: F401 - registers

        personal_data.autodiscover()
