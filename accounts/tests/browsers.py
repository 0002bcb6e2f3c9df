"""People at their browsers and apps: how they come in and go."""

from accounts.models import Notice
from accounts.tests.factories import PASSWORD

COOKIE = "device"


def sign_in(client, name="alice", password=PASSWORD, **more):
    """Send the form of the sign-in page."""
    return client.post("/sign-in", {"username": name, "password": password, **more})


def token(client, name="alice", password=PASSWORD, **headers):
    """Ask for a token by name and password."""
    return client.post(
        "/api/v1/auth/token",
        {"username": name, "password": password},
        content_type="application/json",
        **headers,
    )


def signed_out(client):
    """Return the browser after its user signed out."""
    assert client.post("/sign-out").status_code == 302
    return client


def told(user, kind="new_device"):
    """Return how often the person was told of it."""
    return Notice.objects.filter(user=user, kind=kind).count()


def user_of(client):
    """Return whom the browser is signed in as."""
    page = client.get("/account")
    return None if page.status_code == 302 else page.context["user"].username
