"""Shelves of articles, and who is given which."""

from __future__ import annotations

from accounts.selectors import actor_for_session
from accounts.tests.factories import make_session
from chatsec.core.context import SYSTEM, Channel
from rbac.models import Role, RoleGrant
from rbac.services import grant_object, objects_for, revoke_object

READ, CHANGE = "chat.view_knowledgecollection", "chat.change_knowledgecollection"


def collection_model():
    """Return the model of shelves."""
    from django.apps import apps

    return apps.get_model("chat", "KnowledgeCollection")


def give(obj, to, permission=READ):
    """Give the permission on the object as the system."""
    grant_object(SYSTEM, obj=obj, permission=permission, to=to, reason="for the test")


def take(obj, to, permission=READ):
    """Take it back as the system."""
    revoke_object(SYSTEM, obj=obj, permission=permission, to=to, reason="for the test")


def seen_by(subject, permission=READ):
    """Return the shelves on which somebody has the permission."""
    model = collection_model()
    return set(objects_for(subject, permission, model.objects.order_by()))


def administrator(admin):
    """Return the person as signed in just now, with every factor."""
    session = make_session(admin, stepped_up=True)
    return actor_for_session(session, Channel.API)


def a_role(name, code=READ, **grant):
    """Return a role of one grant."""
    role = Role.objects.create(name=name)
    RoleGrant.objects.create(role=role, code=code, **grant)
    return role
