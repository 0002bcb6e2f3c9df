import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import notices
from accounts.models import (
    AccountToken,
    AttemptBudget,
    AuthSession,
    Notice,
    TOTPFactor,
    User,
)
from accounts.selectors import find_user_by_login
from accounts.services import lockout
from accounts.services.factors import make_recovery_codes
from accounts.tests.factories import (
    PASSWORD,
    make_session,
    make_user,
    sign_in_browser,
    totp_code,
)
from accounts.tests.keys import made_for
from accounts.tests.soft_passkey import set_up_passkey
from auditlog.selectors import list_events, read_events

pytestmark = pytest.mark.django_db

USERS = "/admin/accounts/user/"
NEW = {
    "username": "Zoe",
    "email": "zoe@example.org",
    "display_name": "Zoe Zander",
    "department": "sales",
    "region": "",
    "team": "",
    "manager": "",
    "approval_limit": "",
}


def run(client, action, *rows, where=USERS):
    chosen = {"action": action, "_selected_action": [str(row.pk) for row in rows]}
    return client.post(where, chosen, follow=True)


@pytest.mark.parametrize(
    "path",
    [
        USERS,
        f"{USERS}add/",
        "/admin/accounts/authsession/",
        "/admin/accounts/notice/",
        "/admin/accounts/totpfactor/",
        "/admin/axes/accessfailurelog/",
        "/admin/axes/accessattempt/",
    ],
)
def test_an_administrator_opens_the_pages_and_nobody_else_does(path, office, browser):
    assert office.get(path).status_code == 200

    for somebody in (
        Client(),
        browser(make_user("erin")),
        browser(make_user("clerk", is_staff=True)),  # staff without a second factor
    ):
        assert somebody.get(path).status_code == 302
    verified = browser(make_user("staff", is_staff=True, totp=True))
    assert verified.get(path).status_code == 403


def test_the_pages_of_attempts_are_named_by_what_they_show(office):
    page = office.get("/admin/").content.decode()

    assert "Failed sign-ins" in page
    assert "Axes" not in page


def test_the_admin_site_signs_in_by_the_one_page(admin):
    client = Client()
    away = client.get("/admin/login/?next=/admin/")
    assert away["Location"].startswith("/sign-in?")

    client.post("/sign-in", {"username": "admin", "password": PASSWORD})
    assert client.get(USERS).status_code == 302
    client.post("/sign-in/code", {"code": totp_code(admin)})

    assert client.get(USERS).status_code == 200


def test_djangos_own_admin_login_takes_no_password(admin):
    client = Client()

    client.post("/admin/login/", {"username": "admin", "password": PASSWORD})

    assert AuthSession.objects.count() == 0
    assert client.get(USERS).status_code == 302


@pytest.mark.parametrize("page", ["add/", "{id}/change/"])
def test_nobody_chooses_a_password_for_somebody_else(office, page):
    alice = make_user("alice")
    path = USERS + page.format(id=alice.id)
    chosen = "nobody should choose this one"
    assert b'type="password"' not in office.get(path).content

    sent = {**NEW, "password": chosen, "password1": chosen, "password2": chosen}
    office.post(path, {**sent, "is_active": "on"})

    assert not [user for user in User.objects.all() if user.check_password(chosen)]


def test_it_invites_whom_it_makes_an_account_for(office):
    answer = office.post(f"{USERS}add/", NEW)

    assert answer.status_code == 302
    zoe = find_user_by_login("zoe")
    assert answer["Location"] == USERS
    assert (zoe.email, zoe.display_name) == ("zoe@example.org", "Zoe Zander")
    assert zoe.status == "invited"
    assert not zoe.is_staff
    assert AccountToken.objects.get(user=zoe).purpose == "invitation"
    assert Notice.objects.get(user=zoe).kind == notices.INVITED


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"username": "ALICE"}, "username"),
        ({"username": "not a name"}, "username"),
        ({"email": "Alice@Example.org"}, "email"),
        ({"email": "nobody"}, "email"),
        ({"display_name": ""}, "display_name"),
    ],
)
def test_it_says_which_field_is_wrong(office, change, field):
    make_user("alice")

    page = office.post(f"{USERS}add/", {**NEW, **change})

    assert page.status_code == 200
    assert field in page.context["adminform"].form.errors
    assert find_user_by_login("zoe") is None


def test_it_changes_an_account(office):
    alice = make_user("alice", department="sales")
    changed = {**NEW, "username": "alice", "is_active": "on", "region": "north"}

    answer = office.post(f"{USERS}{alice.id}/change/", changed)

    assert answer.status_code == 302
    alice.refresh_from_db()
    assert (alice.email, alice.region) == ("zoe@example.org", "north")
    assert find_user_by_login("alice@example.org") is None
    assert alice.check_password(PASSWORD)


def test_another_address_asks_for_fresh_proof(admin, browser):
    alice = make_user("alice")
    changed = {**NEW, "username": "alice", "is_active": "on"}

    answer = browser(admin).post(f"{USERS}{alice.id}/change/", changed)

    assert answer["Location"].startswith("/account/confirm?")
    alice.refresh_from_db()
    assert alice.email == "alice@example.org"


def test_an_erased_person_is_still_shown(office):
    alice = make_user("alice")
    User.objects.filter(id=alice.id).update(email_sealed=b"\x01" + bytes(40))

    page = office.get(f"{USERS}{alice.id}/change/")

    assert page.status_code == 200
    assert "[erased]" in page.content.decode()


def test_posting_more_fields_changes_no_more(office):
    alice = make_user("alice")
    sent = {
        **NEW,
        "username": "alice",
        "is_active": "on",
        "is_superuser": "on",
        "groups": "1",
        "password": "another long passphrase",
        "date_joined": "2000-01-01",
    }

    office.post(f"{USERS}{alice.id}/change/", sent)

    alice.refresh_from_db()
    assert alice.check_password(PASSWORD)
    assert not alice.is_superuser
    assert alice.groups.count() == 0


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("ali", {"alice"}),
        ("alice@example.org", {"alice"}),
        ("example", set()),
        ("lice", set()),
    ],
)
def test_it_searches_by_prefix_or_whole_address(office, text, found):
    make_user("alice")
    make_user("bob")

    page = office.get(USERS, {"q": text})

    assert {user.username for user in page.context["cl"].result_list} == found


def test_the_list_shows_no_sealed_column(office):
    make_user("zoe", email="zoe@example.org", display_name="Zoe Zander")

    page = office.get(USERS).content.decode()

    assert "zoe" in page
    assert "zoe@example.org" not in page
    assert "Zander" not in page


def test_the_list_costs_the_same_however_many(office):
    def queries():
        with CaptureQueriesContext(connection) as captured:
            office.get(USERS)
        return len([q for q in captured if "accounts_" in q["sql"]])

    few = queries()
    for number in range(12):
        make_user(f"user-{number}")

    assert queries() == few <= 8


def test_closing_ends_the_sessions(office):
    alice, bob = make_user("alice"), make_user("bob")
    hers, his = make_session(alice), make_session(bob)

    run(office, "close_accounts", alice)

    assert not User.objects.get(id=alice.id).is_active
    assert AuthSession.objects.get(id=hers.id).revoked_at is not None
    assert AuthSession.objects.get(id=his.id).revoked_at is None


def test_the_last_administrator_stays(office, admin):
    page = run(office, "close_accounts", admin)

    assert "This is the last administrator" in page.content.decode()
    assert User.objects.get(id=admin.id).is_active
    changed = {**NEW, "username": "admin", "is_staff": "on"}
    page = office.post(f"{USERS}{admin.id}/change/", changed, follow=True)
    assert "This is the last administrator" in page.content.decode()
    assert User.objects.get(id=admin.id).is_active


def test_it_mails_a_link_for_whatever_password_is_next(office):
    alice, closed = make_user("alice"), make_user("closed", is_active=False)
    invited = make_user("zoe", password=None)

    page = run(office, "send_links", alice, invited, closed)

    said = [str(message) for message in page.context["messages"]]
    assert said[0].startswith("closed: No link was mailed")
    assert said[1:] == ["Done for 2 accounts."]
    sent = AccountToken.objects.values_list("user__username", "purpose")
    assert set(sent) == {("alice", "reset"), ("zoe", "invitation")}


def test_unlocking_forgets_the_failures(office):
    alice = make_user("alice")
    with lockout.attempt(alice, ip=None):
        pass

    run(office, "unlock_accounts", alice)

    assert AttemptBudget.objects.count() == 0


def test_signing_out_everywhere_and_by_device(office):
    alice, bob = make_user("alice"), make_user("bob")
    hers, his = make_session(alice), make_session(bob)

    run(office, "sign_out", alice)
    run(office, "revoke_sessions", his, where="/admin/accounts/authsession/")

    for session in (hers, his):
        session.refresh_from_db()
        assert session.revoked_because == "revoked_by_admin"


def test_factors_are_seen_without_their_secrets(office):
    carol = make_user("carol", totp=True)
    set_up_passkey(carol)
    make_recovery_codes(carol)
    factor = TOTPFactor.objects.get(user=carol)

    page = office.get(f"/admin/accounts/totpfactor/{factor.id}/change/")

    assert factor.secret_base32 not in page.content.decode()
    for name in ("totpfactor", "passkey", "recoverysheet"):
        listed = office.get(f"/admin/accounts/{name}/")
        assert b"carol" in listed.content
        assert b"delete" not in listed.content.lower()


def reset(office, user, **given):
    return office.post(
        "/admin/accounts/user/",
        {"action": "reset_factors", "_selected_action": str(user.id), **given},
        follow=True,
    )


def test_lost_factors_are_reset_with_a_reason(office, admin):
    carol = make_user("carol", totp=True)
    session = make_session(carol)
    AuthSession.objects.filter(user=admin).update(stepped_up_at=timezone.now())

    asked = reset(office, carol)
    assert b'name="reason"' in asked.content
    assert b"carol" in asked.content
    assert TOTPFactor.objects.filter(user=carol).exists()
    done = reset(office, carol, reason="lost the phone, called back")

    assert b"sets up anew" in done.content
    assert not TOTPFactor.objects.filter(user=carol).exists()
    session.refresh_from_db()
    assert session.revoked_because == "factors_reset"
    assert Notice.objects.filter(user=carol, kind="factors_reset").count() == 1
    [event] = read_events(list_events(event_type="accounts.factors_reset"))
    assert event.subject_details["reason"] == "lost the phone, called back"


@pytest.mark.parametrize("ended", [True, False])
def test_a_reset_of_factors_ends_keys_if_asked_to(office, admin, bob, ended):
    key = made_for(bob).key
    AuthSession.objects.filter(user=admin).update(stepped_up_at=timezone.now())

    reset(office, bob, reason="stolen", **({"end_keys": "on"} if ended else {}))

    key.refresh_from_db()
    assert key.revoked_because == ("factors_reset" if ended else "")


def test_a_reset_needs_fresh_proof_and_a_reason(office, admin):
    carol = make_user("carol", totp=True)
    AuthSession.objects.filter(user=admin).update(stepped_up_at=None)

    away = office.post(
        "/admin/accounts/user/",
        {
            "action": "reset_factors",
            "_selected_action": str(carol.id),
            "reason": "lost",
        },
    )
    assert away["Location"].startswith("/account/confirm?next=")
    AuthSession.objects.filter(user=admin).update(stepped_up_at=timezone.now())
    reset(office, carol, reason="  ")

    assert TOTPFactor.objects.filter(user=carol).exists()


def test_nobody_resets_himself(office, admin):
    AuthSession.objects.filter(user=admin).update(stepped_up_at=timezone.now())

    done = reset(office, admin, reason="for fun")

    assert b"under My security" in done.content
    assert TOTPFactor.objects.filter(user=admin).exists()


def test_an_account_is_not_deleted_by_hand(office):
    alice = make_user("alice")

    assert office.post(f"{USERS}{alice.id}/delete/", {"post": "yes"}).status_code == 403
    assert User.objects.filter(id=alice.id).exists()


def test_taking_the_factor_away_closes_the_admin_site(admin):
    client = sign_in_browser(Client(), admin)
    assert client.get(USERS).status_code == 200

    TOTPFactor.objects.filter(user=admin).delete()

    assert client.get(USERS).status_code == 302
