import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts import notices
from accounts.models import AuthSession, Notice, User
from accounts.selectors import find_user_by_login
from accounts.services import sessions, tokens
from accounts.tests.factories import make_session, make_user
from accounts.tests.links import mailed_token

pytestmark = pytest.mark.django_db

USERS = "/api/v1/users"
NEW = {
    "username": "Zoe",
    "email": "zoe@example.org",
    "display_name": "Zoe Zander",
    "department": "sales",
    "approval_limit": "100.00",
}


@pytest.fixture
def office(admin, api):
    return api(admin, stepped_up=True)


def test_another_address_asks_for_fresh_proof(admin, api):
    alice = make_user("alice")

    answer = api(admin).patch(f"{USERS}/{alice.id}", {"email": "a@new.example"})

    assert (answer.status_code, answer.json()["code"]) == (403, "step_up_required")
    assert User.objects.get(id=alice.id).email == "alice@example.org"


def names(answer):
    return [row["username"] for row in answer.json()["results"]]


def test_it_invites(office):
    alice = make_user("alice")

    answer = office.post(USERS, {**NEW, "manager": "alice"})

    assert answer.status_code == 201, answer.content
    body = answer.json()
    zoe = find_user_by_login("zoe")
    assert body["id"] == str(zoe.id)
    assert (body["username"], body["status"]) == ("zoe", "invited")
    assert (body["email"], body["display_name"]) == ("zoe@example.org", "Zoe Zander")
    assert body["manager"] == "alice"
    assert zoe.manager == alice
    assert Notice.objects.get(user=zoe).kind == notices.INVITED
    assert "token" not in answer.content.decode()


@pytest.mark.parametrize(
    ("change", "status", "field"),
    [
        ({"username": "not a name"}, 400, "username"),
        ({"username": "admin"}, 409, "username"),
        ({"username": None}, 400, "username"),
        ({"email": "nobody"}, 400, "email"),
        ({"email": "ADMIN@example.org"}, 409, "email"),
        ({"display_name": "x" * 151}, 400, "display_name"),
        ({"manager": "nobody"}, 400, "manager"),
        ({"approval_limit": "-1"}, 400, "approval_limit"),
        ({"approval_limit": "1e400"}, 400, "approval_limit"),
        ({"department": "x" * 65}, 400, "department"),
        ({"department": ["a"]}, 400, "department"),
    ],
)
def test_it_says_which_field_is_wrong(office, change, status, field):
    answer = office.post(USERS, {**NEW, **change})

    assert answer.status_code == status, answer.content
    named = set(answer.json()["errors"])
    assert field in named or named == {"non_field_errors"}
    assert find_user_by_login("zoe") is None


def test_more_fields_change_no_more(office):
    sent = {
        **NEW,
        "id": "01a1fc5a-90e3-76f3-a850-0e4f94a7d5b3",
        "password": "seven lanterns drift past noon",
        "is_superuser": True,
        "is_active": False,
        "groups": [1],
        "date_joined": "2000-01-01T00:00:00Z",
        "email_index": "x",
    }

    assert office.post(USERS, sent).status_code == 201

    zoe = find_user_by_login("zoe")
    assert zoe.status == "invited"
    assert not zoe.is_staff
    assert zoe.date_joined.year != 2000


def test_it_lists_and_finds_by_prefix_or_whole_address(office):
    make_user("alice")
    make_user("alina")
    make_user("bob")

    assert names(office.get(USERS)) == ["admin", "alice", "alina", "bob"]
    assert names(office.get(USERS, {"q": "ALI"})) == ["alice", "alina"]
    assert names(office.get(USERS, {"q": "bob@example.org"})) == ["bob"]
    assert names(office.get(USERS, {"q": "example"})) == []
    for odd in ("\x00", "x" * 400):
        assert office.get(USERS, {"q": odd}).status_code == 400


def test_pages_follow_each_other(office):
    for number in range(5):
        make_user(f"user-{number}")

    first = office.get(USERS, {"page_size": 4})
    second = office.get(first.json()["next"])

    assert len(names(first)) == 4
    assert names(first) + names(second) == sorted(names(first) + names(second))
    assert len(set(names(first) + names(second))) == 6
    assert office.get(USERS, {"cursor": "forged"}).status_code in (400, 404)


def test_the_list_opens_nothing_and_costs_the_same_however_many(office):
    boss = make_user("boss")

    def queries():
        with CaptureQueriesContext(connection) as captured:
            answer = office.get(USERS)
        assert "example.org" not in answer.content.decode()
        return len(captured)

    queries()
    few = queries()
    for number in range(12):
        make_user(f"user-{number}", manager=boss)

    assert queries() == few <= 8


def test_it_shows_and_changes_one(office):
    alice = make_user("alice", department="sales")
    path = f"{USERS}/{alice.id}"
    assert office.get(path).json()["email"] == "alice@example.org"

    answer = office.patch(path, {"region": "north", "email": "a@new.example"})

    assert answer.status_code == 200, answer.content
    assert (answer.json()["region"], answer.json()["department"]) == ("north", "sales")
    alice.refresh_from_db()
    assert (alice.region, alice.email) == ("north", "a@new.example")
    told = Notice.objects.get(user=alice)
    assert (told.kind, told.address) == (notices.EMAIL_CHANGED, "alice@example.org")


def test_closing_ends_the_sessions_and_opening_brings_none_back(office):
    alice = make_user("alice")
    make_session(alice)
    path = f"{USERS}/{alice.id}"

    assert office.patch(path, {"is_active": False}).json()["status"] == "closed"
    assert office.patch(path, {"is_active": True}).json()["status"] == "active"

    assert AuthSession.objects.filter(user=alice, revoked_at=None).count() == 0


def test_the_last_administrator_stays(office, admin):
    answer = office.patch(f"{USERS}/{admin.id}", {"is_active": False})

    assert answer.status_code == 409
    assert User.objects.get(id=admin.id).is_active


def test_nobody_is_his_own_manager(office):
    alice = make_user("alice")

    answer = office.patch(f"{USERS}/{alice.id}", {"manager": "alice"})

    assert answer.status_code == 400


def test_links_are_mailed_and_never_shown(office):
    alice, zoe = make_user("alice"), make_user("zoe", password=None)

    reset = office.post(f"{USERS}/{alice.id}/password-reset")
    invitation = office.post(f"{USERS}/{zoe.id}/invitation")

    for answer, user in ((reset, alice), (invitation, zoe)):
        assert (answer.status_code, answer.content) == (204, b"")
        assert mailed_token(user)
    assert office.post(f"{USERS}/{alice.id}/invitation").status_code == 409
    assert office.post(f"{USERS}/{zoe.id}/password-reset").status_code == 409


CALLS = [
    ("get", USERS, None),
    ("post", USERS, NEW),
    ("get", USERS + "/{id}", None),
    ("patch", USERS + "/{id}", {"region": "x"}),
    ("post", USERS + "/{id}/invitation", {}),
    ("post", USERS + "/{id}/password-reset", {}),
]


@pytest.mark.parametrize(("method", "path", "sent"), CALLS)
def test_nobody_else_gets_in(method, path, sent, request, api):
    path = path.format(id=make_user("alina").id)

    for name in ("alice", "bob", "charlie", "carol"):
        somebody = api(request.getfixturevalue(name))
        assert getattr(somebody, method)(path, sent).status_code == 403
    assert getattr(api(), method)(path, sent).status_code == 401
    assert find_user_by_login("zoe") is None


@pytest.mark.parametrize(
    ("method", "path", "sent"), [call for call in CALLS if call[0] != "get"]
)
def test_writing_needs_a_second_factor(method, path, sent, admin, api):
    """The session is from before he had one: having a factor is not showing it."""
    session = sessions.start_session(admin, kind="token", amr=("pwd",))
    client = api()
    access = tokens.issue(session).access
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {access}")
    path = path.format(id=make_user("alina").id)

    answer = getattr(client, method)(path, sent)

    assert answer.status_code == 403
    assert find_user_by_login("zoe") is None


@pytest.mark.parametrize(("method", "path", "sent"), CALLS[2:])
def test_nobody_is_a_404(method, path, sent, office):
    missing = path.format(id="01a1fc5a-90e3-76f3-a850-0e4f94a7d5b3")

    assert getattr(office, method)(missing, sent).status_code == 404
