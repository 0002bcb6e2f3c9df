from django.apps import AppConfig


class DrillConfig(AppConfig):
    name = "chatsec.drill"
    label = "chatsec_drill"
