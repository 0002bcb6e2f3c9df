"""chatsec's own addresses and two that break, to see the answers to faults."""

from typing import NoReturn

from django.http import HttpRequest
from django.urls import path
from rest_framework.request import Request
from rest_framework.response import Response

from chatsec.core.api import PUBLIC, ApiView
from chatsec.urls import (
    handler400,
    handler403,
    handler404,
    handler500,
)
from chatsec.urls import (
    urlpatterns as own,
)

__all__ = ["handler400", "handler403", "handler404", "handler500", "urlpatterns"]


def broken(request: HttpRequest) -> NoReturn:
    raise RuntimeError("a fault with a secret: hunter2")


class Broken(ApiView):
    """An API view that breaks."""

    required_permission = PUBLIC

    def get(self, request: Request) -> Response:
        return broken(request)


urlpatterns = [
    path("test-fault", broken),
    path("api/v1/test-fault", Broken.as_view()),
    *own,
]
