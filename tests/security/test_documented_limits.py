"""The pages on limits, sessions and ways to sign in say what the code does.

ASVS 6.1.1 and 6.1.3 (limits and ways in are written down), 6.3.4 (no way in is left
out), 7.1.1 and 7.1.2 (times and numbers of sessions).
"""

from __future__ import annotations

import ast
import re
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from accounts import constants
from tests.security.routes import Route, all_routes
from tests.security.test_strangers import OPEN_PAGES, is_open

PROJECT = Path(__file__).parents[2]
LIMITS = (PROJECT / "docs/reference/limits.md").read_text()
SESSIONS = (PROJECT / "docs/reference/sessions.md").read_text()
ROW = re.compile(r"^\| (.*) \| ([^|]+) \| `([\w.]+)` \|$", re.MULTILINE)
UNITS = (("days", 86400), ("hours", 3600), ("minutes", 60), ("seconds", 1))
# They say how mail is repeated and how long things are shown, and limit nobody.
NO_LIMITS = {"RECENT_ACTIVITY", "CROWD_NOTICE_PAUSE", "KEY_REFUSAL_RESOLUTION"}
# Between clocks of our own servers.
NO_LIMITS |= {"CLOCK_SKEW"}
# Open to strangers, and neither a way in nor a way to one.
NO_WAY_IN = (
    *("/faq", "/privacy", "/healthz", "/readyz", "/metrics", "/.well-known/"),
    *("/robots.txt", "/csp-reports", "/favicon.ico", "/admin/", "/outbox"),
    *("/api/schema/", "/api/docs/", "/api/v1/privacy/notice", "/api/v1/public/"),
    *("/api/v1/catalogue", "/api/v1/knowledge", "/api/v1/conversations"),
    *("/api/v1/me", "/api/v1/rbac/check"),
)

BELIEVED = {
    f"accounts.api.authentication.{kind}"
    for kind in (
        "ApiKeyAuthentication",
        "AccessTokenAuthentication",
        "SessionAuthentication",
    )
}


def value_of(name: str) -> Any:
    """Return what stands under a dotted name in the code."""
    parts = name.split(".")
    for cut in range(len(parts) - 1, 0, -1):
        try:
            found = import_module(".".join(parts[:cut]))
        except ModuleNotFoundError:
            continue
        for part in parts[cut:]:
            found = getattr(found, part)
        return found
    raise AssertionError(name)


def readings(value: Any) -> set[str]:
    """Return how a value may be written."""
    if not isinstance(value, timedelta):
        return {f"{value:,}", f"{value} seconds"}
    seconds = int(value.total_seconds())
    found = {f"{seconds // size} {unit}" for unit, size in UNITS if not seconds % size}
    return found | {each.removesuffix("s") for each in found if each.startswith("1 ")}


@pytest.mark.parametrize(
    ("what", "written", "name"), ROW.findall(LIMITS) + ROW.findall(SESSIONS)
)
def test_a_figure_is_the_constants(what, written, name):
    assert written in readings(value_of(name)), what


def test_every_time_of_sign_in_is_written_down():
    times = {
        name
        for name, value in vars(constants).items()
        if isinstance(value, timedelta) and not name.startswith("MAIL_")
    }
    named = {name.rpartition(".")[2] for _, _, name in ROW.findall(LIMITS + SESSIONS)}

    assert len(ROW.findall(LIMITS + SESSIONS)) > 30
    assert times - named - NO_LIMITS == set()


def paths_in(text: str) -> set[str]:
    """Return the paths that a page names; `{...}` stands for anything."""
    given = re.findall(r"`(?:POST )?(/[a-z0-9/_{}-]+)`", text)
    full = {path for path in given if path != "/callback"}
    full |= {f"{way}/callback" for way in full if way.endswith("with/{provider}")}
    return full | {
        f"/api/v1/auth/token{path}" for path in given if path == "/mfa/passkey"
    }


def test_no_way_in_is_left_out(routes: list[Route]):
    """Whatever a stranger may send to is in the page, or clearly no way in."""
    named = {re.sub(r"\{\w+\}", "*", path) for path in paths_in(LIMITS)}
    missing = set()
    for route in routes:
        open_to_strangers = route.name in OPEN_PAGES or (
            route.view is not None
            and any(is_open(route, method) for method in ("GET", "POST"))
        )
        path = re.sub(r"<[^>]*>", "*", route.template)
        if open_to_strangers and not path.startswith(NO_WAY_IN) and path != "/":
            missing |= {path} - named

    assert len(named) > 20
    assert missing == set()


# Makes people of its own for a rehearsal, and refuses to run in production.
REHEARSAL = "chatsec/drill/"


def test_sessions_begin_in_two_places_only():
    """By a sign-in, or by the exchange of a code that a browser session gave."""
    begins = {
        path.relative_to(PROJECT).as_posix()
        for folder in ("accounts", "auditlog", "chat", "chatsec", "privacy", "rbac")
        for path in (PROJECT / folder).rglob("*.py")
        if "tests" not in path.parts
        and not path.relative_to(PROJECT).as_posix().startswith(REHEARSAL)
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        and (getattr(node.func, "attr", "") or getattr(node.func, "id", ""))
        == "start_session"
    }

    assert begins == {"accounts/services/sign_in.py", "accounts/services/oauth.py"}


def test_requests_are_believed_by_three_kinds_of_proof(db: None):
    """A cookie, an access token, an API key: no view believes anything else."""
    named = settings.REST_FRAMEWORK["DEFAULT_AUTHENTICATION_CLASSES"]
    believed = {
        kind
        for route in all_routes()
        if route.view is not None
        for kind in route.view.authentication_classes
    }

    assert len(named) == 3
    assert {f"{kind.__module__}.{kind.__qualname__}" for kind in believed} == BELIEVED
