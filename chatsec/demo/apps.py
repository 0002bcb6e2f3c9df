from django.apps import AppConfig


class DemoConfig(AppConfig):
    name = "chatsec.demo"
    label = "chatsec_demo"
