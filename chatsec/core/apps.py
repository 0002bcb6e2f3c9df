from django.apps import AppConfig


class CoreConfig(AppConfig):
    name = "chatsec.core"
    label = "core"

    def ready(self) -> None:
        from chatsec.core import personal_data

        personal_data.autodiscover()
