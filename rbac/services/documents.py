"""Policy as a YAML document: read with limits, written in a stable order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import datetime

import yaml
from django.utils.dateparse import parse_datetime

from chatsec.core.errors import Invalid, Json
from rbac.services.roles import GrantDefinition, RoleDefinition

VERSION = 1
MAX_BYTES = 2_000_000
MAX_NODES = 400_000
MAX_DEPTH = 12


@dataclass(frozen=True, slots=True, order=True)
class SodDefinition:
    """Two roles to keep apart, in the order of their names."""

    role_a: str
    role_b: str
    reason: str


@dataclass(frozen=True, slots=True)
class AssignmentDefinition:
    """A role for somebody, by names."""

    user: str
    role: str
    valid_from: datetime
    valid_until: datetime | None
    reason: str


@dataclass(frozen=True, slots=True)
class PolicyDocument:
    """The whole policy; assignments only where the document speaks of them."""

    roles: tuple[RoleDefinition, ...]
    sod_rules: tuple[SodDefinition, ...] = ()
    assignments: tuple[AssignmentDefinition, ...] | None = None
    # Roles of which it does not say whether they need a factor: that stays as it is.
    silent_on_factors: frozenset[str] = frozenset()


class _Exact(yaml.SafeDumper):
    """Writes texts that YAML would fold (rare line ends, control signs) escaped."""

    def ignore_aliases(self, data: object) -> bool:
        """Never write an anchor: the reader refuses them."""
        return True


def _exact_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = None if text.isprintable() else '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Exact.add_representer(str, _exact_text)


class MalformedDocument(Invalid):
    """The text is no policy document; the message says where."""

    default_code = "malformed_document"


def write_document(document: PolicyDocument) -> str:
    """Return the document as YAML: sorted, one line a value, read back as equal."""
    body: dict[str, Json] = {
        "version": VERSION,
        "roles": [_role_out(each) for each in _by_name(document.roles)],
        "sod_rules": [
            {"roles": [each.role_a, each.role_b], "reason": each.reason}
            for each in sorted(document.sod_rules)
        ],
    }
    if document.assignments is not None:
        ordered = sorted(
            document.assignments, key=lambda a: (a.user, a.role, a.valid_from)
        )
        body["assignments"] = [_assignment_out(each) for each in ordered]
    text: str = yaml.dump(
        body, Dumper=_Exact, sort_keys=False, allow_unicode=True, width=10_000
    )
    return text


def read_document(text: str | bytes) -> PolicyDocument:
    """Return what the text says; raise MalformedDocument for anything doubtful.

    Anchors and aliases are refused: a few lines of them stand for gigabytes.
    """
    body = _mapping(_load(text), "the document")
    _refuse_unknown(body, {"version", "roles", "sod_rules", "assignments"}, "document")
    if body.get("version") != VERSION:
        raise MalformedDocument(f"version must be {VERSION}.")
    roles = tuple(_roles(body.get("roles")))
    assignments: tuple[AssignmentDefinition, ...] | None = None
    if "assignments" in body:
        assignments = tuple(_assignments(body["assignments"]))
    return PolicyDocument(
        roles=roles,
        sod_rules=tuple(_sod_rules(body.get("sod_rules", []))),
        assignments=assignments,
        silent_on_factors=frozenset(_silent_on_factors(body.get("roles"))),
    )


def _silent_on_factors(given: object) -> Iterator[str]:
    """Yield the roles of a file from before roles could need a factor."""
    for item in _list(given, "roles"):
        role = _mapping(item, "roles")
        if "requires_factor" not in role:
            yield _text(role, "name", "roles")


def _load(text: str | bytes) -> object:
    size = len(text.encode(errors="replace") if isinstance(text, str) else text)
    if size > MAX_BYTES:
        raise MalformedDocument(f"More than {MAX_BYTES} bytes.")
    try:
        _refuse_bombs(text)
        _refuse_duplicates(yaml.compose(text, Loader=yaml.SafeLoader))
        return yaml.safe_load(text)
    except (yaml.YAMLError, UnicodeDecodeError, ValueError) as error:
        raise MalformedDocument(f"Not YAML: {error}"[:500]) from error


def _refuse_bombs(text: str | bytes) -> None:
    """Walk the events first: they cost nothing however much they stand for."""
    depth = 0
    for count, event in enumerate(yaml.parse(text, Loader=yaml.SafeLoader)):
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise MalformedDocument("Anchors and aliases are not taken.")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > MAX_DEPTH or count > MAX_NODES:
            raise MalformedDocument("Nested too deeply, or too much.")


def _refuse_duplicates(node: yaml.Node | None) -> None:
    """Refuse a key said twice: the reader would take the last one silently."""
    if isinstance(node, yaml.SequenceNode):
        for item in node.value:
            _refuse_duplicates(item)
    if isinstance(node, yaml.MappingNode):
        keys = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        if len(keys) != len(node.value) or len(set(keys)) != len(keys):
            line = node.start_mark.line + 1
            raise MalformedDocument(f"A key is said twice below line {line}.")
        for _, value in node.value:
            _refuse_duplicates(value)


def _roles(given: object) -> Iterator[RoleDefinition]:
    seen: set[str] = set()
    for number, item in enumerate(_list(given, "roles")):
        where = f"roles[{number}]"
        role = _mapping(item, where)
        _refuse_unknown(role, {each.name for each in fields(RoleDefinition)}, where)
        name = _text(role, "name", where)
        if name in seen:
            raise MalformedDocument(f"{where}: {name} is there twice.")
        seen.add(name)
        yield RoleDefinition(
            name=name,
            label=_text(role, "label", where, default=""),
            description=_text(role, "description", where, default=""),
            inherits=_texts(role.get("inherits", []), f"{where}.inherits"),
            grants=tuple(_grants(role.get("grants", []), where)),
            is_break_glass=_flag(role, "is_break_glass", where),
            requires_factor=_flag(role, "requires_factor", where),
        )


def _grants(given: object, where: str) -> Iterator[GrantDefinition]:
    for number, item in enumerate(_list(given, f"{where}.grants")):
        here = f"{where}.grants[{number}]"
        line = _mapping(item, here)
        _refuse_unknown(line, {each.name for each in fields(GrantDefinition)}, here)
        columns = line.get("columns")
        yield GrantDefinition(
            permission=_text(line, "permission", here),
            effect=_text(line, "effect", here, default="allow"),
            condition=_text(line, "condition", here, default=""),
            row_filter=_text(line, "row_filter", here, default=""),
            columns=None if columns is None else _texts(columns, f"{here}.columns"),
            requires_step_up=_flag(line, "requires_step_up", here),
        )


def _sod_rules(given: object) -> Iterator[SodDefinition]:
    for number, item in enumerate(_list(given, "sod_rules")):
        where = f"sod_rules[{number}]"
        rule = _mapping(item, where)
        _refuse_unknown(rule, {"roles", "reason"}, where)
        names = _texts(rule.get("roles"), f"{where}.roles")
        if len(names) != 2 or names[0] == names[1]:
            raise MalformedDocument(f"{where}.roles: two roles are needed.")
        one, other = sorted(names)
        yield SodDefinition(one, other, _text(rule, "reason", where))


def _assignments(given: object) -> Iterator[AssignmentDefinition]:
    known = {each.name for each in fields(AssignmentDefinition)}
    for number, item in enumerate(_list(given, "assignments")):
        where = f"assignments[{number}]"
        row = _mapping(item, where)
        _refuse_unknown(row, known, where)
        start = _moment(row.get("valid_from"), f"{where}.valid_from")
        if start is None:
            raise MalformedDocument(f"{where}.valid_from is missing.")
        yield AssignmentDefinition(
            user=_text(row, "user", where),
            role=_text(row, "role", where),
            valid_from=start,
            valid_until=_moment(row.get("valid_until"), f"{where}.valid_until"),
            reason=_text(row, "reason", where),
        )


def _role_out(role: RoleDefinition) -> Json:
    out: dict[str, Json] = {"name": role.name, "label": role.label}
    if role.description:
        out["description"] = role.description
    if role.is_break_glass:
        out["is_break_glass"] = True
    # Said of each: a file that is silent changes nothing about it.
    out["requires_factor"] = role.requires_factor
    if role.inherits:
        out["inherits"] = [*sorted(role.inherits)]
    ordered = sorted(role.grants, key=lambda grant: str(_grant_out(grant)))
    out["grants"] = [_grant_out(grant) for grant in ordered]
    return out


def _grant_out(grant: GrantDefinition) -> Json:
    out: dict[str, Json] = {"permission": grant.permission}
    if grant.effect != "allow":
        out["effect"] = grant.effect
    if grant.condition:
        out["condition"] = grant.condition
    if grant.row_filter:
        out["row_filter"] = grant.row_filter
    if grant.columns is not None:
        out["columns"] = [*sorted(grant.columns)]
    if grant.requires_step_up:
        out["requires_step_up"] = True
    return out


def _assignment_out(row: AssignmentDefinition) -> Json:
    return {
        "user": row.user,
        "role": row.role,
        "valid_from": row.valid_from.isoformat(),
        "valid_until": row.valid_until.isoformat() if row.valid_until else None,
        "reason": row.reason,
    }


def _by_name(roles: tuple[RoleDefinition, ...]) -> list[RoleDefinition]:
    return sorted(roles, key=lambda role: role.name)


def _mapping(value: object, where: str) -> Mapping[str, object]:
    if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
        raise MalformedDocument(f"{where}: names with values are needed.")
    return value


def _list(value: object, where: str) -> list[object]:
    if not isinstance(value, list):
        raise MalformedDocument(f"{where}: a list is needed.")
    return value


def _text(
    given: Mapping[str, object], name: str, where: str, *, default: str | None = None
) -> str:
    value = given.get(name, default)
    if not isinstance(value, str):
        raise MalformedDocument(f"{where}.{name}: a text is needed.")
    return value


def _texts(value: object, where: str) -> tuple[str, ...]:
    found = _list(value, where)
    texts = tuple(item for item in found if isinstance(item, str))
    if len(texts) != len(found):
        raise MalformedDocument(f"{where}: texts are needed.")
    return texts


def _flag(given: Mapping[str, object], name: str, where: str) -> bool:
    value = given.get(name, False)
    if not isinstance(value, bool):
        raise MalformedDocument(f"{where}.{name}: true or false.")
    return value


def _moment(value: object, where: str) -> datetime | None:
    if isinstance(value, str):
        try:
            value = parse_datetime(value)
        except ValueError:
            value = "no moment"
        if value is None:
            value = "no moment"
    if value is None:
        return None
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise MalformedDocument(f"{where}: a moment with a zone, in ISO 8601.")
    return value


def _refuse_unknown(given: Mapping[str, object], known: set[str], where: str) -> None:
    # A misspelt name must not be a limit that silently is not there.
    if unknown := sorted(set(given) - known):
        raise MalformedDocument(f"{where}: {unknown[0]} is not known here.")
