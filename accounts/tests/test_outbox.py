import os
import stat
import subprocess
import sys

import pytest
from django.core.mail import EmailMessage, get_connection
from django.test import Client

from accounts import outbox

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _development(settings, tmp_path):
    settings.CHATSEC_DATA_DIR = tmp_path
    settings.CHATSEC_OUTBOX = True


def post(subject, text="Follow http://localhost:8000/invited/token"):
    backend = get_connection("accounts.outbox.OutboxBackend")
    EmailMessage(subject, text, to=["erin@example.org"], connection=backend).send()


def test_only_its_owner_reads_the_file():
    post("Hello")

    [path] = outbox.directory().iterdir()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_the_page_shows_the_newest_first():
    post("First")
    post("Second")

    page = Client().get("/outbox").content.decode()

    assert page.index("Second") < page.index("First")
    assert 'href="http://localhost:8000/invited/token"' in page


def test_what_a_mail_says_is_no_markup():
    post("<b>bold</b>", "<script>alert(1)</script>")

    page = Client().get("/outbox").content.decode()

    assert "<b>bold" not in page
    assert "<script>alert" not in page


def test_the_oldest_go(monkeypatch):
    monkeypatch.setattr(outbox, "KEPT_MESSAGES", 2)
    for subject in ("First", "Second", "Third"):
        post(subject)

    assert [each.subject for each in outbox.read_letters()] == ["Third", "Second"]


def test_it_is_empty_before_the_first_mail():
    assert "no mail yet" in Client().get("/outbox").content.decode()


@pytest.mark.parametrize(
    "elsewhere",
    [
        {"REMOTE_ADDR": "192.0.2.1"},
        {"REMOTE_ADDR": "10.0.0.8"},
        {"REMOTE_ADDR": ""},
        {"HTTP_X_FORWARDED_FOR": "127.0.0.1"},
        {"HTTP_FORWARDED": "for=127.0.0.1"},
    ],
)
def test_nobody_elsewhere_sees_it(elsewhere):
    post("Hello")

    assert Client(**elsewhere).get("/outbox").status_code == 404


def test_with_a_mail_server_there_is_no_outbox(settings):
    settings.CHATSEC_OUTBOX = False

    assert Client().get("/outbox").status_code == 404


def settings_say(**environment):
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("CHATSEC_") and name != "EMAIL_URL"
    }
    script = (
        "from chatsec import settings as s;"
        "print(s.EMAIL_BACKEND, getattr(s, 'EMAIL_HOST', ''), s.DEFAULT_FROM_EMAIL)"
    )
    return subprocess.run(
        [sys.executable, "-c", script],
        env={**kept, "CHATSEC_ENGINES": "off", **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_settings_choose_the_outbox_or_the_server(tmp_path):
    here = {"CHATSEC_DATA_DIR": str(tmp_path), "CHATSEC_PUBLIC_URL": "http://x.test"}

    without = settings_say(**here).stdout.split()
    with_server = settings_say(**here, EMAIL_URL="smtp+tls://m.test:587").stdout.split()

    assert without == ["accounts.outbox.OutboxBackend", "chatsec@x.test"]
    assert with_server[1:] == ["m.test", "chatsec@x.test"]


def test_production_names_its_mail_server(tmp_path):
    from chatsec.installation import generated

    ended = settings_say(
        CHATSEC_ENV="production",
        CHATSEC_ALLOWED_HOSTS="x.test",
        CHATSEC_DATA_DIR=str(tmp_path),
        **generated(),
    )

    assert ended.returncode != 0
    assert ended.stderr.strip() == "chatsec: EMAIL_URL is not set"
