from datetime import timedelta
from email.header import decode_header, make_header

import pytest
from django.core import mail
from django.db import transaction
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from accounts import notices as registry
from accounts import tasks
from accounts.models import Notice
from accounts.services import notices
from accounts.tests.factories import make_user
from accounts.tests.race import race
from auditlog.selectors import list_events
from chatsec.core import crypto

pytestmark = pytest.mark.django_db


def refuse_mail(monkeypatch, error):
    def fail(self):
        raise error

    monkeypatch.setattr("django.core.mail.EmailMessage.send", fail)


def test_a_notice_is_mailed_to_its_owner(alice):
    facts = {"device": "Firefox on Linux", "address": "192.0.2.7"}

    notices.notify(alice, registry.NEW_DEVICE, facts=facts)
    sent = notices.deliver_due()

    [letter] = mail.outbox
    assert sent == 1
    assert letter.to == ["alice@example.org"]
    assert "Firefox on Linux" in letter.body
    assert "192.0.2.7" in letter.body
    assert Notice.objects.get().mailed_at is not None
    assert notices.deliver_due() == 0


def test_the_worker_is_told_after_the_commit(
    alice, monkeypatch, django_capture_on_commit_callbacks
):
    told = []
    monkeypatch.setattr("chatsec.celery.send", lambda task, _: told.append(task))

    with django_capture_on_commit_callbacks(execute=True):
        notices.notify(alice, registry.PASSWORD_CHANGED)
        assert told == []

    assert told == [tasks.deliver_notices.name]


def test_a_broker_that_is_down_stops_nothing(
    alice, settings, django_capture_on_commit_callbacks
):
    settings.CHATSEC_TASK_SENDER = "accounts.tests.test_notices.no_broker"

    with django_capture_on_commit_callbacks(execute=True):
        notices.notify(alice, registry.PASSWORD_CHANGED)

    assert tasks.deliver_notices() == 1


def no_broker(_task, _arguments):
    raise ConnectionError


def test_what_is_rolled_back_is_not_told(alice):
    with transaction.atomic():
        notices.notify(alice, registry.PASSWORD_CHANGED)
        transaction.set_rollback(True)

    assert notices.deliver_due() == 0


def test_it_refuses_a_kind_that_nobody_registered(alice):
    with pytest.raises(ValueError, match="no kind"):
        notices.notify(alice, "surprise")


def test_two_kinds_cannot_have_one_name():
    with pytest.raises(ValueError, match="two kinds"):
        registry.register(registry.NEW_DEVICE, subject="again", body="again")


def test_facts_and_links_are_sealed(alice):
    notices.mail_link(
        alice,
        registry.PASSWORD_RESET_ASKED,
        path_with_token="/reset/canary-token",
        facts={"device": "canary-device"},
        address="canary@example.org",
    )

    row = Notice.objects.values().get()
    assert not any("canary" in repr(value) for value in row.values())
    blobs = [bytes(value) for key, value in row.items() if key.endswith("_sealed")]
    assert len(blobs) == 3
    assert not any(b"canary" in blob for blob in blobs)


def test_a_link_is_mailed_once_and_forgotten(alice, settings):
    settings.CHATSEC_PUBLIC_URL = "https://chat.example.org"

    notices.mail_link(
        alice, registry.PASSWORD_RESET_ASKED, path_with_token="/reset/token-1"
    )
    notices.deliver_due()

    assert "https://chat.example.org/reset/token-1" in mail.outbox[0].body
    notice = Notice.objects.get()
    assert notice.link_sealed is None
    assert "token-1" not in notice.text


@pytest.mark.parametrize("path", ["https://evil.example/x", "//evil.example", "reset"])
def test_a_link_is_a_path_of_this_site(alice, path):
    with pytest.raises(ValueError, match="path"):
        notices.mail_link(alice, registry.INVITED, path_with_token=path)


def test_it_goes_to_another_address_where_one_is_named(alice):
    notices.notify(alice, registry.EMAIL_CHANGED, address="old@example.org")

    notices.deliver_due()

    assert mail.outbox[0].to == ["old@example.org"]


def test_a_name_cannot_write_into_the_mail(alice):
    notices.notify(
        alice, registry.API_KEY_MADE, facts={"name": "x\r\nBcc: y@z.example\n\nHi"}
    )

    notices.deliver_due()

    lines = mail.outbox[0].message().as_string().splitlines()
    assert not any(line.startswith("Bcc") for line in lines)


def test_the_subject_names_the_organisation(alice, settings):
    settings.CHATSEC_ORGANISATION = "Käse & Co"
    notices.notify(alice, registry.PASSWORD_CHANGED)

    notices.deliver_due()

    message = mail.outbox[0].message()
    subject = str(make_header(decode_header(message["Subject"])))
    assert subject == "Käse & Co: Your password was changed"
    assert message["Auto-Submitted"] == "auto-generated"


def test_a_server_that_refuses_is_asked_again_later_and_later(alice, monkeypatch):
    notices.notify(alice, registry.PASSWORD_CHANGED)
    refuse_mail(monkeypatch, ConnectionRefusedError())

    waits = []
    for _ in range(9):
        assert notices.deliver_due() == 0
        notice = Notice.objects.get()
        waits.append(notice.due_at - timezone.now())
        Notice.objects.update(due_at=timezone.now())

    minutes = [round(wait / timedelta(minutes=1)) for wait in waits]
    assert minutes == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    assert notice.mailed_at is None


def test_after_three_days_it_is_given_up_and_its_link_is_gone(alice, monkeypatch):
    notices.mail_link(alice, registry.INVITED, path_with_token="/invited/token")
    old = timezone.now() - timedelta(days=4)
    Notice.objects.update(created_at=old, due_at=old)
    refuse_mail(monkeypatch, ConnectionRefusedError())

    notices.deliver_due()

    notice = Notice.objects.get()
    assert (notice.due_at, notice.mailed_at) == (None, None)
    assert notice.link_sealed is None
    assert list_events(event_type="accounts.notice_undeliverable").count() == 1


def test_a_notice_of_somebody_erased_is_dropped(alice, monkeypatch):
    notices.notify(alice, registry.PASSWORD_CHANGED)

    def destroyed(_subject):
        raise crypto.KeyDestroyed

    monkeypatch.setattr(crypto.subject_keys(), "data_key", destroyed)

    assert notices.deliver_due() == 0
    assert Notice.objects.get().due_at is None


@pytest.mark.django_db(transaction=True)
def test_many_workers_mail_each_notice_once():
    alice = make_user("alice")
    for _ in range(5):
        notices.notify(alice, registry.PASSWORD_CHANGED)

    sent = race(4, notices.deliver_due)

    assert sum(sent) == 5
    assert len(mail.outbox) == 5


def test_a_worker_that_died_leaves_it_to_the_next(alice):
    notices.notify(alice, registry.PASSWORD_CHANGED)
    now = timezone.now()
    assert notices._lease(now) is not None

    assert notices.deliver_due(now=now) == 0
    assert notices.deliver_due(now=now + timedelta(minutes=3)) == 1


def test_some_notices_come_only_so_often(alice):
    hour = timedelta(hours=1)

    told = [
        notices.notify_at_most(alice, registry.ACCOUNT_LOCKED, every=hour)
        for _ in range(3)
    ]

    assert told == [True, False, False]


def test_a_kind_that_is_gone_still_reads(alice):
    Notice.objects.bulk_create([Notice(user=alice, kind="old_kind", facts_sealed=b"")])
    notice = Notice.objects.get()
    notice.facts = {}

    assert (notice.title, notice.text) == ("old kind", "")


@given(st.text())
def test_a_fact_is_one_printable_line(value):
    cleaned = registry.clean_fact(value)

    assert len(cleaned) <= registry.MAX_FACT_LENGTH
    assert cleaned.isprintable()


def test_every_kind_reads_without_its_facts():
    for code in registry._kinds:
        assert registry.kind_of(code).words({})
