"""chatsec: a chatbot backend with the security office built in."""

from chatsec.celery import app as celery_app

__all__ = ["celery_app"]
