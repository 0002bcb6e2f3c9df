"""A conversation is read by its owner and by whom he lets in, as themselves."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.db import connections
from django.utils import timezone

from auditlog.selectors import list_events
from chat.constants import NO_LONGER_SHOWN
from chat.models import Conversation, ConversationUserPermission
from chat.selectors.conversations import (
    get_conversation,
    get_readable_conversation,
    list_conversations,
)
from chat.services.conversations import delete_conversation, start_conversation
from chat.services.sharing import change_conversation, share_conversation
from chatsec.core.errors import Invalid, NotFound
from rbac.models import Role, RoleGrant
from rbac.services import as_actor, grant_object
from rbac.tests.factories import give_role

pytestmark = [pytest.mark.django_db]
VIEW = "chat.view_conversation"


@pytest.fixture
def talk(alice):
    return start_conversation(as_actor(alice), title="Figures")


@pytest.fixture
def shared(alice, bob, talk):
    share_conversation(
        as_actor(alice), conversation_id=talk.id, usernames=[bob.username]
    )
    return talk


def may_read(person, conversation) -> bool:
    try:
        get_readable_conversation(as_actor(person), conversation.id)
    except NotFound:
        return False
    return True


def test_it_is_read_by_owner_and_reader_and_nobody_else(
    shared, alice, bob, charlie, admin
):
    assert may_read(alice, shared)
    assert may_read(bob, shared)
    assert not may_read(charlie, shared)
    # Not even by whoever may do everything: transcripts have a door of their own.
    assert not may_read(admin, shared)
    assert list(list_conversations(as_actor(bob))) == [shared]
    assert list(list_conversations(as_actor(admin))) == []


def test_a_reader_never_writes(shared, bob):
    for change in ({"title": "mine"}, {"shared_with": ["bob", "charlie"]}):
        with pytest.raises(NotFound):
            change_conversation(as_actor(bob), conversation_id=shared.id, **change)
    with pytest.raises(NotFound):
        delete_conversation(as_actor(bob), conversation_id=shared.id)
    with pytest.raises(NotFound):
        get_conversation(as_actor(bob), shared.id)


def test_an_inactive_reader_reads_nothing(shared, bob):
    bob.is_active = False

    assert not may_read(bob, shared)


def test_a_deny_closes_what_was_shared(shared, alice, bob):
    barred = Role.objects.create(name="barred")
    RoleGrant.objects.create(role=barred, code=VIEW, effect="deny")
    give_role(bob, "barred")

    assert not may_read(bob, shared)
    assert may_read(alice, shared)


def test_a_role_that_may_view_all_conversations_opens_none(shared, charlie):
    curious = Role.objects.create(name="curious")
    RoleGrant.objects.create(role=curious, code="chat.*")
    give_role(charlie, "curious")

    assert charlie.has_perm(VIEW, shared)
    assert not may_read(charlie, shared)


def test_the_list_says_exactly_who_reads(shared, alice, bob, charlie):
    share_conversation(
        as_actor(alice), conversation_id=shared.id, usernames=["CHARLIE "]
    )

    assert not may_read(bob, shared)
    assert may_read(charlie, shared)
    share_conversation(as_actor(alice), conversation_id=shared.id, usernames=[])
    assert not may_read(charlie, shared)


@pytest.mark.parametrize("names", [["nobody"], ["alice"], ["x\0"], ["a" * 300]])
def test_it_refuses_who_cannot_be_let_in(alice, talk, names):
    with pytest.raises(Invalid):
        share_conversation(as_actor(alice), conversation_id=talk.id, usernames=names)

    assert not ConversationUserPermission.objects.exists()


def test_it_refuses_a_closed_account_as_one_that_is_not_there(alice, bob, talk):
    bob.is_active = False
    bob.save()

    with pytest.raises(Invalid) as refused:
        share_conversation(as_actor(alice), conversation_id=talk.id, usernames=["bob"])

    assert refused.value.fields == {"shared_with": ["There is no user bob."]}


def test_an_administrator_cannot_let_himself_in(shared, admin):
    from accounts.selectors import actor_for_session
    from accounts.tests.factories import make_session
    from chatsec.core.context import Channel

    session = make_session(admin, stepped_up=True)
    actor = actor_for_session(session, Channel.API)
    with pytest.raises(NotFound):
        grant_object(actor, obj=shared, permission=VIEW, to=admin, reason="curious")

    assert not may_read(admin, shared)


def test_a_conversation_is_shared_with_no_role(alice, talk):
    with pytest.raises(Invalid):
        grant_object(
            as_actor(alice),
            obj=talk,
            permission=VIEW,
            to=Role.objects.get(name="employee"),
            reason="all",
        )


def test_sharing_and_ending_it_leave_evidence(alice, talk, bob):
    share_conversation(as_actor(alice), conversation_id=talk.id, usernames=["bob"])
    share_conversation(as_actor(alice), conversation_id=talk.id, usernames=["bob"])
    share_conversation(as_actor(alice), conversation_id=talk.id, usernames=[])

    kinds = ("rbac.object_permission_granted", "rbac.object_permission_revoked")
    assert [len(list_events(event_type=kind)) for kind in kinds] == [1, 1]


def test_a_deleted_conversation_leaves_no_permission(shared, alice):
    delete_conversation(as_actor(alice), conversation_id=shared.id)

    assert not ConversationUserPermission.objects.exists()


def test_figures_follow_the_readers_own_permissions(ask, alice, bob, erin, api):
    answer = ask(alice, "Total sales for Q4 2024")
    assert answer.status == "answered"
    talk = Conversation.objects.get(id=answer.conversation_id)
    share_conversation(
        as_actor(alice), conversation_id=talk.id, usernames=["bob", "erin"]
    )
    path = f"/api/v1/conversations/{talk.id}/messages"

    def answered(person):
        return api(person).get(path).json()["results"][-1]

    assert answered(alice)["rows"]
    # The same region: what he may see covers what was released.
    assert answered(bob)["rows"] == answered(alice)["rows"]
    assert answered(bob)["decision"] is None
    assert answered(erin)["withheld"]
    assert answered(erin)["rows"] == []
    assert NO_LONGER_SHOWN in answered(erin)["text"]
    bob.region = "west"
    bob.save()
    assert answered(bob)["rows"] == []


def test_what_is_about_the_owner_is_shown_to_nobody_else(ask, alice, bob, api):
    answer = ask(alice, "What data do you hold about me?")
    assert answer.status == "answered"
    assert answer.rows
    share_conversation(
        as_actor(alice), conversation_id=answer.conversation_id, usernames=["bob"]
    )

    path = f"/api/v1/conversations/{answer.conversation_id}/messages"
    said = api(bob).get(path).json()["results"][-1]

    assert said["withheld"]
    assert said["rows"] == []


def test_an_article_is_not_shown_to_whom_the_owner_lets_in(ask, alice, bob, api):
    answer = ask(alice, "How do I reset my password?")
    assert answer.query == "faq"
    share_conversation(
        as_actor(alice), conversation_id=answer.conversation_id, usernames=["bob"]
    )

    path = f"/api/v1/conversations/{answer.conversation_id}/messages"
    said = api(bob).get(path).json()["results"][-1]

    assert said["text"] == NO_LONGER_SHOWN


def test_it_is_shared_over_the_api(api, alice, bob, charlie):
    client = api(alice)
    made = client.post("/api/v1/conversations", {"title": "Q4"}).json()
    path = f"/api/v1/conversations/{made['id']}"
    assert made["shared_with"] == []

    changed = client.patch(path, {"shared_with": ["bob"]})

    assert changed.status_code == 200
    assert changed.json()["shared_with"] == ["bob"]
    assert changed.json()["title"] == "Q4"
    seen = api(bob).get(path).json()
    assert (seen["owner"], seen["title"], seen["shared_with"]) == ("alice", "Q4", [])
    listed = api(bob).get("/api/v1/conversations").json()["results"]
    assert [one["id"] for one in listed] == [made["id"]]
    assert api(bob).patch(path, {"shared_with": []}).status_code == 404
    assert api(bob).post(f"{path}/messages", {"text": "hi"}).status_code == 404
    assert api(bob).delete(path).status_code == 404
    assert api(charlie).get(path).status_code == 404
    assert api(charlie).get("/api/v1/conversations").json()["results"] == []


@pytest.mark.parametrize(
    "wrong",
    ["bob", [["bob"]], ["nobody"], ["alice"], [None], ["\u200b"], ["x"] * 51],
)
def test_a_wrong_list_is_a_field_error(api, alice, wrong):
    client = api(alice)
    made = client.post("/api/v1/conversations", {}).json()

    refused = client.patch(
        f"/api/v1/conversations/{made['id']}", {"shared_with": wrong}
    )

    assert refused.status_code == 400
    assert "shared_with" in refused.json()["errors"]


def test_reading_what_is_shared_leaves_evidence(shared, api, alice, bob):
    path = f"/api/v1/conversations/{shared.id}/messages"

    api(alice).get(path)
    assert len(list_events(event_type="chat.shared_conversation_read")) == 0
    api(bob).get(path)

    assert len(list_events(event_type="chat.shared_conversation_read")) == 1


def test_the_list_costs_the_same_however_long(
    alice, bob, api, django_assert_max_num_queries
):
    client = api(bob)
    for number in range(12):
        talk = start_conversation(as_actor(alice), title=f"Talk {number}")
        share_conversation(as_actor(alice), conversation_id=talk.id, usernames=["bob"])

    client.get("/api/v1/conversations")
    with django_assert_max_num_queries(8):
        assert len(client.get("/api/v1/conversations").json()["results"]) == 12


@pytest.mark.django_db(transaction=True)
def test_eight_changes_at_once_end_as_one_of_them(alice, bob, charlie):
    talk = start_conversation(as_actor(alice))
    start = threading.Barrier(8)
    failures = []

    def change(names):
        try:
            start.wait()
            share_conversation(
                as_actor(alice), conversation_id=talk.id, usernames=names
            )
        except Exception as error:  # noqa: BLE001 - whatever it is, the test fails
            failures.append(error)
        finally:
            connections.close_all()

    threads = [
        threading.Thread(target=change, args=(names,))
        for names in (["bob"], ["charlie"], ["bob", "charlie"], ["bob"]) * 2
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)

    assert failures == []
    names = set(
        ConversationUserPermission.objects.values_list("user__username", flat=True)
    )
    assert names in ({"bob"}, {"charlie"}, {"bob", "charlie"})


def test_old_conversations_take_their_permissions_along(shared):
    from chat.personal_data import expire_conversations

    expire_conversations(timezone.now() + timedelta(days=1), frozenset())

    assert not ConversationUserPermission.objects.exists()


def test_the_page_shows_what_is_shared_without_a_way_to_write(
    shared, browser, alice, bob, charlie
):
    path = f"/chat/{shared.id}"

    mine = browser(alice).get(path).content.decode()
    seen = browser(bob).get(path).content.decode()

    assert 'value="bob"' in mine
    assert "alice lets you read this conversation" in seen
    assert 'id="ask-form"' not in seen
    assert f"{path}/delete" not in seen
    assert f"{path}/share" not in seen
    assert browser(charlie).get(path).status_code == 404
    for step in ("", "/share", "/delete"):
        assert browser(bob).post(path + step, {"text": "hi"}).status_code == 404


def test_the_page_takes_names_and_says_what_is_wrong(talk, browser, alice, bob):
    client = browser(alice)

    said = client.post(
        f"/chat/{talk.id}/share", {"shared_with": "bob, nobody"}, follow=True
    )
    assert "There is no user nobody." in said.content.decode()
    assert not may_read(bob, talk)
    client.post(f"/chat/{talk.id}/share", {"shared_with": "bob"})

    assert may_read(bob, talk)
