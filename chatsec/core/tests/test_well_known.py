from datetime import datetime, timedelta

import pytest
from django.core.checks import run_checks
from django.utils import timezone

from chatsec.core.tests.network import certificate
from chatsec.core.well_known import contact_uri

PATH = "/.well-known/security.txt"


def fields(response):
    lines = response.content.decode().splitlines()
    return [tuple(line.split(": ", 1)) for line in lines]


class TestSecurityTxt:
    def test_it_names_the_contacts_in_order(self, client, settings):
        settings.CHATSEC_SECURITY_CONTACT = [
            "security@example.org",
            "https://example.org/report",
        ]

        response = client.get(PATH)

        assert response["Content-Type"] == "text/plain; charset=utf-8"
        assert fields(response)[:2] == [
            ("Contact", "mailto:security@example.org"),
            ("Contact", "https://example.org/report"),
        ]

    def test_it_expires_within_a_year_and_not_yet(self, client, settings):
        settings.CHATSEC_SECURITY_CONTACT = ["security@example.org"]

        expires = datetime.fromisoformat(dict(fields(client.get(PATH)))["Expires"])

        now = timezone.now()
        assert now + timedelta(days=30) < expires < now + timedelta(days=365)

    @pytest.mark.parametrize(
        ("address", "canonical"),
        [
            ("https://chat.example.org", f"https://chat.example.org{PATH}"),
            ("https://chat.example.org/", f"https://chat.example.org{PATH}"),
            ("http://localhost:8000", None),
        ],
    )
    def test_it_says_where_it_belongs(self, client, settings, address, canonical):
        settings.CHATSEC_SECURITY_CONTACT = ["security@example.org"]
        settings.CHATSEC_PUBLIC_URL = address

        assert dict(fields(client.get(PATH))).get("Canonical") == canonical

    def test_where_nobody_is_named_there_is_no_file(self, client, settings):
        settings.CHATSEC_SECURITY_CONTACT = []

        assert client.get(PATH).status_code == 404


@pytest.mark.parametrize(
    "contact",
    ["", "nobody", "http://example.org", "javascript:alert(1)", "a@b\nExpires: x"],
)
def test_it_starts_with_no_contact_that_is_none(settings, contact):
    settings.CHATSEC_SECURITY_CONTACT = [contact]

    assert "core.E002" in {message.id for message in run_checks()}
    with pytest.raises(ValueError, match="not an e-mail address"):
        contact_uri(contact)


@pytest.mark.parametrize(
    ("entry", "is_good"),
    [
        ("idp.corp.example:443", True),
        ("LLM.internal:8080", True),
        ("[fd00::15]:8443", True),
        ("10.0.0.7:443", True),
        ("idp.corp.example", False),
        ("https://idp.corp.example:443", False),
        ("idp.corp.example:0", False),
        ("idp.corp.example:65536", False),
        ("fd00::15:8443:", False),
        ("*.corp.example:443", False),
        ("", False),
    ],
)
def test_it_starts_with_no_entry_that_could_open_nothing(settings, entry, is_good):
    settings.CHATSEC_OUTBOUND_ALLOWED = frozenset({entry})

    assert ("core.E001" not in {m.id for m in run_checks()}) is is_good


@pytest.mark.parametrize("text", [None, "", "no certificate"])
def test_it_starts_with_no_file_that_holds_no_authority(settings, tmp_path, text):
    path = tmp_path / "authorities.pem"
    if text is not None:
        path.write_text(text)
    settings.CHATSEC_OUTBOUND_CA_FILE = str(path)

    assert "core.E003" in {message.id for message in run_checks()}


def test_it_starts_with_authorities(settings, tmp_path):
    path, _ = certificate("idp.corp.example", tmp_path)
    settings.CHATSEC_OUTBOUND_CA_FILE = str(path)

    assert "core.E003" not in {message.id for message in run_checks()}


def test_the_global_privacy_control_is_honoured(client):
    response = client.get("/.well-known/gpc.json")

    assert response["Content-Type"] == "application/json"
    assert response.json()["gpc"] is True
    assert datetime.fromisoformat(response.json()["lastUpdate"])


def test_crawlers_are_asked_to_stay_away(client):
    response = client.get("/robots.txt")

    assert response["Content-Type"].startswith("text/plain")
    assert response.content == b"User-agent: *\nDisallow: /\n"
