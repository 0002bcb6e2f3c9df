"""The picture of users, roles and permissions, with one check beside it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from django import forms
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone

from accounts.models import User
from accounts.selectors import get_user_by_name_or_id
from chatsec.core.admin_pages import WIDE, guarded, render
from chatsec.core.errors import NotFound
from rbac import selectors
from rbac.constants import EXPLAIN, PUBLIC_ROLE, VIEW_MATRIX
from rbac.holders import list_active_assignments
from rbac.models import Role
from rbac.pages.drawing import (
    Box,
    Drawing,
    Line,
    Link,
    arrange,
    badges_of,
    connect,
    cut,
    depths,
    labelled,
    order_by_place,
    rows_of,
)
from rbac.pages.flow import Flow, flow_of
from rbac.policy import Grant, Snapshot
from rbac.policy.roles import EVERYTHING, covers

MAX_USERS, MAX_ROLES, MAX_PERMISSIONS, MAX_LINES = 4, 10, 20, 5
DEFAULT_USER, DEFAULT_PERMISSION = "alice", "read_team_sales"
ALL, PERSON = "", "-"


class PictureForm(forms.Form):
    """Which part of the installation, and which check."""

    user = forms.CharField(max_length=254, required=False, label="Person")
    role = forms.ChoiceField(required=False, label="Show")
    permission = forms.ChoiceField(required=False)

    def __init__(
        self, *args: object, codes: list[str], roles: list[Role], **kwargs: object
    ) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        shown = [(ALL, "All roles"), (PERSON, "This person's roles")]
        named = [(role.name, str(role)) for role in roles]
        self.fields["role"] = forms.ChoiceField(
            choices=[*shown, ("One role and its relatives", named)],
            required=False,
            label="Show",
        )
        domain = [(code, code) for code in codes if "." not in code]
        self.fields["permission"] = forms.ChoiceField(choices=domain, required=False)

    def clean_user(self) -> User | None:
        """Return the person, or None when nobody is named."""
        name = self.cleaned_data["user"]
        if not name:
            return None
        try:
            return get_user_by_name_or_id(name)
        except NotFound as error:
            raise forms.ValidationError(error.message) from error


@dataclass(frozen=True, slots=True)
class Scene:
    """What is to be drawn."""

    snapshot: Snapshot
    labels: Mapping[str, str]
    roles: tuple[str, ...]
    # username -> the shown roles that were given to him
    users: Mapping[str, tuple[str, ...]]
    permissions: tuple[str, ...]
    flow: Flow | None


@guarded(VIEW_MATRIX)
def picture(request: HttpRequest) -> HttpResponseBase:
    """Show the role architecture and one authorization check, drawn on the server."""
    roles = list(Role.objects.exclude(name=PUBLIC_ROLE).order_by("created_at", "name"))
    codes = selectors.list_codes()
    defaults = {"user": DEFAULT_USER, "permission": DEFAULT_PERMISSION}
    asked = defaults | request.GET.dict()
    form = PictureForm(asked, codes=codes, roles=roles)
    if not form.is_valid() and "user" not in request.GET:
        form = PictureForm(asked | {"user": ""}, codes=codes, roles=roles)
    context: dict[str, object] = {"form": form, **WIDE}
    if form.is_valid():
        may_explain = request.user.has_perm(f"rbac.{EXPLAIN}")
        scene = _scene(form.cleaned_data, roles, explained=may_explain)
        drawing = draw(scene)
        context |= {"drawing": drawing, "flow": scene.flow}
        context |= {"labels": scene.labels, "shown": len(scene.roles), **_sizes(scene)}
        context["all_roles"] = len(roles)
    return render(request, "rbac/picture.html", "Role architecture", context)


def _sizes(scene: Scene) -> dict[str, int]:
    return {"users": len(scene.users), "permissions": len(scene.permissions)}


def _scene(given: Mapping[str, object], roles: list[Role], *, explained: bool) -> Scene:
    snapshot = selectors.current_snapshot()
    labels = {role.name: str(role) for role in roles}
    user = given["user"] if isinstance(given["user"], User) else None
    code = str(given["permission"] or DEFAULT_PERMISSION)
    names = _chosen(str(given["role"]), user, snapshot, labels)
    flow = flow_of(user, code, labels=labels) if explained and user else None
    users = _users(names, user, alone=given["role"] == PERSON)
    permissions = _permissions(snapshot, names, code)
    return Scene(snapshot, labels, names, users, permissions, flow)


def _chosen(
    choice: str, user: User | None, snapshot: Snapshot, labels: Mapping[str, str]
) -> tuple[str, ...]:
    """Return the roles to draw: all, a person's, or one with its relatives."""
    if choice == ALL:
        found: Iterable[str] = labels
    elif choice == PERSON:
        given = selectors.role_names(user) if user else ()
        found = [name for role in given for name in snapshot.roles[role].closure]
    else:
        heirs = [
            role.name
            for role in snapshot.roles.stored.values()
            if choice in role.parents
        ]
        closure = snapshot.roles[choice].closure if choice in snapshot.roles else ()
        found = [*closure, *sorted(heirs)]
    known = [name for name in dict.fromkeys(found) if name in snapshot.roles]
    return tuple(name for name in known if name != PUBLIC_ROLE)[:MAX_ROLES]


def _users(
    roles: tuple[str, ...], first: User | None, *, alone: bool
) -> dict[str, tuple[str, ...]]:
    """Return a few people who have the roles; the chosen one comes first."""
    now = timezone.now()
    rows = list_active_assignments(now=now).filter(user__is_active=True)
    rows = rows.filter(role__name__in=roles).order_by("role__created_at", "user")
    chosen = [first.username] if first else []
    if not alone:
        # A few of each role, so that one large role does not hide the others.
        for role in roles:
            having = rows.filter(role__name=role).values_list(
                "user__username", flat=True
            )
            chosen += having[:1]
    names = list(dict.fromkeys(chosen))[:MAX_USERS]
    pairs = rows.filter(user__username__in=names)
    found: dict[str, tuple[str, ...]] = dict.fromkeys(names, ())
    for username, role in pairs.values_list("user__username", "role__name"):
        found[username] += (role,)
    return found


def _permissions(
    snapshot: Snapshot, roles: tuple[str, ...], wanted: str
) -> tuple[str, ...]:
    codes = [
        grant.code
        for name in reversed(roles)
        for grant in snapshot.roles.stored[name].grants
    ]
    return tuple(dict.fromkeys([wanted, *codes]))[:MAX_PERMISSIONS]


def draw(scene: Scene) -> Drawing:
    """Return the three tiers with their links."""
    path = scene.flow.path if scene.flow else ()
    users = {name: _user_box(scene, name) for name in scene.users}
    roles = {name: _role_box(scene, name) for name in scene.roles}
    permissions = {code: _permission_box(scene, code) for code in scene.permissions}
    for name in path:
        if name in roles:
            roles[name].is_on_path = True
    drawing = arrange(
        [
            ("Users", "user", rows_of(list(users.values()))),
            ("Roles", "role", _levels(scene, roles)),
            ("Permissions", "permission", rows_of(list(permissions.values()))),
        ]
    )
    given = {f"user-{name}": held for name, held in scene.users.items()}
    places = {key: roles[held[0]].middle for key, held in given.items() if held}
    order_by_place(drawing, 0, places)
    drawing.links = [
        *_grants(scene, roles, permissions),
        *_inheritance(scene, roles),
        *_assignments(scene, users, roles),
    ]
    return drawing


def _levels(scene: Scene, boxes: Mapping[str, Box]) -> list[list[Box]]:
    """Return rows of roles: who inherits stands above whom he inherits from."""
    stored = scene.snapshot.roles.stored
    found: dict[int, list[Box]] = {}
    for name, depth in depths({n: stored[n].parents for n in boxes}).items():
        found.setdefault(depth, []).append(boxes[name])
    rows: list[list[Box]] = []
    for depth in sorted(found, reverse=True):
        rows += [list(row) for row in rows_of(found[depth])]
    return rows


def _user_box(scene: Scene, name: str) -> Box:
    roles = ", ".join(scene.labels.get(role, role) for role in scene.users[name])
    is_asked = scene.flow is not None and scene.flow.user.username == name
    line = Line(cut(f"({roles})" if roles else "(no role)", 27), "soft")
    title = f"{name}: {roles or 'no role'}"
    return Box(f"user-{name}", "user", cut(name), title, (line,), is_on_path=is_asked)


def _role_box(scene: Scene, name: str) -> Box:
    held = scene.snapshot.roles[name].held
    own = [item.grant for item in held if len(item.path) == 1]
    inherited = [item for item in held if len(item.path) > 1]
    lines = [_grant_line(grant.code, grant.effect, "own") for grant in own[:MAX_LINES]]
    lines += [
        _grant_line(item.grant.code, item.grant.effect, "inherited")
        for item in inherited[: max(2, MAX_LINES - len(own))]
    ]
    if more := len(own) + len(inherited) - len(lines):
        lines.append(Line(f"and {more} more", "soft"))
    title = f"Role {scene.labels.get(name, name)}: {len(own)} own grants,"
    title += f" {len(inherited)} inherited"
    return Box(
        f"role-{name}", "role", cut(scene.labels.get(name, name)), title, tuple(lines)
    )


def _grant_line(code: str, effect: str, kind: str) -> Line:
    mark = "✗" if effect == "deny" else "✓"
    words = {"own": "granted", "inherited": "inherited"}[kind]
    title = f"{code}, {'denied' if effect == 'deny' else words}"
    return Line(cut(code), f"{kind} line-{effect}", mark, title)


def _permission_box(scene: Scene, code: str) -> Box:
    granting = [
        scene.labels.get(name, name)
        for name in scene.roles
        if any(
            _names(grant, code) for grant in scene.snapshot.roles.stored[name].grants
        )
    ]
    label = "* (all permissions)" if code == "*" else code
    title = f"Permission {label}, granted by {', '.join(granting) or 'no shown role'}"
    flow = scene.flow
    return Box(
        f"permission-{code}",
        "permission",
        cut(label, 25),
        title,
        badges=badges_of(granting),
        is_on_path=flow is not None and flow.decision.permission == code,
    )


def _names(grant: Grant, code: str) -> bool:
    """Whether the grant is of this code; `*` is of all and would badge them all."""
    is_wide = grant.code == EVERYTHING and code != EVERYTHING
    return grant.effect == "allow" and covers(grant.code, code) and not is_wide


def _grants(
    scene: Scene, roles: Mapping[str, Box], permissions: Mapping[str, Box]
) -> list[Link]:
    found: list[Link] = []
    for name, box in roles.items():
        for grant in scene.snapshot.roles.stored[name].grants:
            if grant.code in permissions and grant.effect == "allow":
                title = f"{scene.labels.get(name, name)} grants {grant.code}"
                found.append(
                    connect(box, permissions[grant.code], "grant", title=title)
                )
    return labelled(found, "Permission Grant")


def _inheritance(scene: Scene, roles: Mapping[str, Box]) -> list[Link]:
    found: list[Link] = []
    for name, box in roles.items():
        for parent in scene.snapshot.roles.stored[name].parents:
            if parent in roles:
                title = f"Role Inheritance: {box.label} inherits {roles[parent].label}"
                target = roles[parent]
                link = connect(box, target, "inherits", title=title, label="inherits")
                found.append(link)
    return found


def _assignments(
    scene: Scene, users: Mapping[str, Box], roles: Mapping[str, Box]
) -> list[Link]:
    found: list[Link] = []
    for name, box in users.items():
        for role in scene.users[name]:
            title = f"User Assignment: {name} has {roles[role].label}"
            found.append(connect(box, roles[role], "assignment", title=title))
    return labelled(found, "User Assignment")
