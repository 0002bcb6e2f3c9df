"""What is text is shown as text, by every script and template that is shipped.

ASVS 3.2.2: scripts build nodes and set `textContent`; nothing that they are given is
read as markup or as code. ASVS 3.5.5 and 3.7.1: nothing listens to other windows, and
nothing needs a plug-in. Each rule is shown to notice what it forbids.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
SCRIPTS = sorted((PROJECT / "static").rglob("*.js"))
TEMPLATES = sorted((PROJECT / "templates").rglob("*.html"))
MODULES = sorted(
    path
    for folder in ("accounts", "auditlog", "chat", "chatsec", "privacy", "rbac")
    for path in (PROJECT / folder).rglob("*.py")
    if "tests" not in path.parts
)

# They read text as markup or as code.
SINKS = re.compile(
    r"innerHTML|outerHTML|insertAdjacent|createContextualFragment|setHTML|srcdoc"
    r"|DOMParser|parseFromString|document\.write|\beval\b|\bFunction\b|importScripts"
    r"|\bimport\s*\(|javascript:|setAttribute\((?!\Waria-)"
    r"|\$\.|\.html\s*\(|\bon[a-z]+\s*=[^=>]"
    r"|set(?:Timeout|Interval)\(\s*[\"'`]"
)
LISTENS = re.compile(r"postMessage|[\"'`]message[\"'`]|BroadcastChannel|MessageChannel")
# Elements that are made by name: none of them runs, loads or embeds anything.
MADE = {"a", "button", "code", "details", "div", "li", "output", "p", "strong"}
MADE |= {"span", "summary", "table", "td", "th", "tr", "ul"}
CREATES = re.compile(r"(?:createElement|\belement)\(\s*([^),]+)")
# Properties that are set. Text and state; no markup, no address but of our own.
ASSIGNED = re.compile(r"[\w)\]]\.([A-Za-z]+)\s*[+*-]?=(?![=>])")
INERT = {
    "asked",
    "label",
    "className",
    "disabled",
    "hidden",
    "scope",
    "tabIndex",
    "textContent",
}
INERT |= {
    "type",
    "user",
    "value",
    "allowCredentials",
    "excludeCredentials",
    "transports",
}
ADDRESSES = re.compile(r"\.(?:href|src|action|location)\s*=(?!=)\s*(.*)")
BY_COMPUTED_NAME = re.compile(r"[^;{}\n]*\]\s*[+*-]?=(?![=>])")
# A plain object that becomes JSON, filled under names from a list beside it.
COMPUTED_BY_US = {"if (given[part]) response[part] ="}
# A path, or one that the page brought along in an attribute of its own.
OUR_OWN = ('"/', "'/", "`/", "root.dataset.")

# Markup that code of ours drew itself: squares of a QR code.
DRAWN_BY_US = {("accounts/authenticator.html", "{{ picture|safe }}")}
# Addresses that a page is given whole; who makes them is named behind.
GIVEN_ADDRESSES = {
    "drf_spectacular/swagger_ui.html": 5,  # the library, of static files
    "accounts/recovery_codes.html": 1,  # data: the person's own codes as a file
    "accounts/provider_leave.html": 1,  # the provider's, from its checked metadata
    "accounts/oauth_consent.html": 1,  # our own page of sign-in
    "accounts/authenticator.html": 1,  # otpauth:, for the app on this phone
}
# Their addresses are paths of ours with a query, put together by the page's code.
OF_PATHS = ("auditlog/",)
UNESCAPED = re.compile(
    r"\{\{[^}]*\|\s*(?:safe|safeseq)\b[^}]*\}\}|\{%\s*autoescape\s+off|\{%\s*debug"
)
PLUGINS = re.compile(
    r"<\s*(?:object|embed|applet|iframe|frame|portal)\b", re.IGNORECASE
)
BARE_ATTRIBUTE = re.compile(r"<[^<>]*\s[\w-]+=\{[{%]")
GIVEN_ADDRESS = re.compile(r"(?:href|src|action|formaction)=[\"']\{\{")
SCRIPT = re.compile(r"<script\b([^>]*)>(.*?)</script>", re.DOTALL)


def faults_of_script(text: str) -> Iterator[str]:
    yield from (f"sink {found[0]}" for found in SINKS.finditer(text))
    yield from (f"listens {found[0]}" for found in LISTENS.finditer(text))
    yield from (f"sets {name}" for name in settings_of(text))
    for found in CREATES.finditer(text):
        if found[1] not in {"tag", "name"} and found[1].strip("\"'") not in MADE:
            yield f"creates {found[1]}"


def settings_of(text: str) -> Iterator[str]:
    """Yield each property that is set although it is none of the harmless ones."""
    for found in BY_COMPUTED_NAME.finditer(text):
        if found[0].strip() not in COMPUTED_BY_US:
            yield found[0]
    for found in ADDRESSES.finditer(text):
        if not found[1].startswith(OUR_OWN):
            yield found[0]
    for found in ASSIGNED.finditer(text):
        if found[1] not in INERT | {"href", "action"}:
            yield found[1]


def faults_of_template(name: str, text: str) -> Iterator[str]:
    for found in UNESCAPED.finditer(text):
        if (name, found[0]) not in DRAWN_BY_US:
            yield f"unescaped {found[0]}"
    yield from (f"plug-in {found[0]}" for found in PLUGINS.finditer(text))
    yield from (f"bare {found[0]}" for found in BARE_ATTRIBUTE.finditer(text))
    yield from (f"script {code}" for _, code in SCRIPT.findall(text) if code.strip())
    given = 0 if name.startswith(OF_PATHS) else len(GIVEN_ADDRESS.findall(text))
    if given > GIVEN_ADDRESSES.get(name, 0):
        yield "an address that is given whole"


def faults_of_module(text: str) -> Iterator[str]:
    """Yield where Python calls something markup that is not its own literal."""
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.Call):
            continue
        name = getattr(node.func, "id", None) or getattr(node.func, "attr", "")
        if name in {"mark_safe", "SafeString", "SafeText"}:
            yield f"{name} in line {node.lineno}"
        is_literal = node.args and isinstance(node.args[0], ast.Constant)
        if name in {"format_html", "format_html_join"} and not is_literal:
            yield f"{name} of no literal in line {node.lineno}"


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_no_script_reads_text_as_markup(path):
    assert [*faults_of_script(path.read_text())] == []


def test_every_shipped_script_was_read():
    """Beside what packages bring (Django's admin, the API's page), these are all."""
    elsewhere = [
        path
        for folder in ("accounts", "auditlog", "chat", "chatsec", "privacy", "rbac")
        for path in (PROJECT / folder).rglob("*.js")
    ]

    assert elsewhere == []
    assert len(SCRIPTS) >= 3
    assert not list((PROJECT / "static").rglob("*.htm*"))


def test_no_template_shows_text_as_markup():
    found = {}
    for path in TEMPLATES:
        name = path.relative_to(PROJECT / "templates").as_posix()
        if faults := [*faults_of_template(name, path.read_text())]:
            found[name] = faults

    assert len(TEMPLATES) > 60
    assert found == {}


def test_no_module_calls_text_markup():
    found = {
        path.relative_to(PROJECT).as_posix(): faults
        for path in MODULES
        if (faults := [*faults_of_module(path.read_text())])
    }

    assert len(MODULES) > 300
    assert found == {}


@pytest.mark.parametrize(
    "worse",
    [
        "list.innerHTML = answer.text;",
        'list["inner" + "HTML"] = answer.text;',
        "item.insertAdjacentHTML('beforeend', text);",
        "document.write(text);",
        "eval(text); ",
        "new Function(text)();",
        'setTimeout("show()", 1);',
        "item.setAttribute('onclick', text);",
        "item.onclick = text;",
        "frame.srcdoc = text;",
        "link.href = answer.url;",
        "window.location = answer.url;",
        "link.href = `${answer.url}`;",
        'document.createElement("script");',
        'document.createElement("iframe");',
        "document.createElement(answer.tag);",
        "image.src = '/x';",
        'window.addEventListener("message", take);',
        "import(answer.url);",
    ],
)
def test_it_notices_a_worse_script(worse):
    assert [*faults_of_script(worse)]


@pytest.mark.parametrize(
    "worse",
    [
        "<p>{{ text|safe }}</p>",
        "<p>{{ text|linebreaks|safe }}</p>",
        "{% autoescape off %}{{ text }}{% endautoescape %}",
        "<p title={{ text }}>",
        "<a class=x href={% if a %}{{ b }}{% endif %}>",
        '<a href="{{ url }}">',
        '<script nonce="x">let a = "{{ text }}";</script>',
        '<object data="/a.swf">',
        "<EMBED src=/a.swf>",
    ],
)
def test_it_notices_a_worse_template(worse):
    assert [*faults_of_template("a.html", worse)]


@pytest.mark.parametrize(
    "worse",
    ["mark_safe(text)", "format_html(text)", "format_html(f'<b>{text}</b>')"],
)
def test_it_notices_a_worse_module(worse):
    assert [*faults_of_module(worse)]
