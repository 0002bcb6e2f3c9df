"""No view without a named permission."""

from __future__ import annotations

import pytest
from django.urls import path
from rest_framework.permissions import AllowAny
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory

from chatsec.core.api import PUBLIC, SIGNED_IN, ApiView
from rbac.checks import every_view_names_its_permission, problem_of


class _View(ApiView):
    def get(self, request):
        return Response({})

    def post(self, request):
        return Response({})


class Named(_View):
    required_permission = SIGNED_IN


class NamedByMethod(_View):
    required_permission = {"GET": PUBLIC, "POST": "read_sales"}


class Unnamed(_View):
    pass


class Empty(_View):
    required_permission = ""


class Partly(_View):
    required_permission = {"GET": PUBLIC}


class Unguarded(_View):
    required_permission = PUBLIC
    permission_classes = (AllowAny,)


urlpatterns = [path(name.__name__, name.as_view()) for name in (Named, Unnamed, Partly)]


@pytest.mark.parametrize("view", [Named, NamedByMethod])
def test_it_accepts_views_that_name_a_permission(view):
    assert problem_of(view) == ""


@pytest.mark.parametrize("view", [Unnamed, Empty, Partly, Unguarded])
def test_it_finds_views_that_do_not(view):
    assert problem_of(view)


def test_it_walks_the_urls(settings):
    settings.ROOT_URLCONF = __name__

    errors = every_view_names_its_permission(None)

    assert [(error.id, error.obj) for error in errors] == [
        ("rbac.E001", Unnamed),
        ("rbac.E001", Partly),
    ]


@pytest.mark.django_db
@pytest.mark.parametrize("view", [Unnamed, Empty, Partly])
def test_the_guard_refuses_them_whoever_calls(view, admin):
    from rest_framework.test import force_authenticate

    request = APIRequestFactory().post("/")
    force_authenticate(request, user=admin)

    assert view.as_view()(request).status_code == 403


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("method", "anonymous", "signed_in"),
    [("get", 200, 200), ("head", 200, 200), ("post", 401, 403), ("options", 401, 200)],
)
def test_the_guard_asks_for_each_method_what_is_named(
    charlie, method, anonymous, signed_in
):
    from rest_framework.test import force_authenticate

    view, make = NamedByMethod.as_view(), getattr(APIRequestFactory(), method)
    request = make("/")
    force_authenticate(request, user=charlie)

    assert view(make("/")).status_code == anonymous
    assert view(request).status_code == signed_in
