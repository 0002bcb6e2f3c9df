"""Roles become bit masks: a plain check is one look-up and two ands.

A snapshot holds every role's closure; an entry holds what one person's active roles
come to. Both are immutable. What has a condition is left to `decisions.resolve`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from rbac.policy.decisions import Decision, Held, Outcome, Question, Reason, resolve
from rbac.policy.roles import EVERYTHING, Role, bare_code, covers
from rbac.policy.values import Bindings

AGGREGATE_SUFFIX = "_aggregate"
PUBLIC_ROLE = "public"


@dataclass(frozen=True, slots=True)
class Masks:
    """Bits of the registry: allowed and denied outright, or depending."""

    allow: int = 0
    deny: int = 0
    may_allow: int = 0
    may_deny: int = 0

    def __or__(self, other: Masks) -> Masks:
        return Masks(
            self.allow | other.allow,
            self.deny | other.deny,
            self.may_allow | other.may_allow,
            self.may_deny | other.may_deny,
        )


@dataclass(frozen=True, slots=True)
class CompiledRole:
    """A role with all that it inherits."""

    name: str
    held: tuple[Held, ...]
    masks: Masks
    # Itself first, then its ancestors, nearest first.
    closure: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The whole policy at one moment."""

    # Each registered code's own bit, already in its place.
    bits: Mapping[str, int]
    roles: Mapping[str, CompiledRole]

    @classmethod
    def build(cls, roles: Iterable[Role], codes: Iterable[str]) -> Snapshot:
        """Return the compiled policy over the registered permission codes."""
        known = sorted(set(map(bare_code, codes)))
        bits = {code: 1 << place for place, code in enumerate(known)}
        by_name = {role.name: role for role in roles}
        own = {name: _masks_of(role, bits) for name, role in by_name.items()}
        compiled = {name: _compiled(name, by_name, own) for name in by_name}
        return cls(bits, compiled)

    def entry(
        self, roles: Iterable[str], *, valid_until: datetime | None = None
    ) -> Entry:
        """Return what these roles come to, with everybody's floor `public`."""
        names = tuple(
            name
            for name in dict.fromkeys((*sorted(roles), PUBLIC_ROLE))
            if name in self.roles
        )
        masks, held = Masks(), dict[int, Held]()
        for name in names:
            masks |= self.roles[name].masks
            for item in self.roles[name].held:
                held.setdefault(id(item.grant), item)
        sure = masks.allow & ~(masks.deny | masks.may_deny)
        depends = (masks.allow | masks.may_allow) & ~masks.deny & ~sure
        return Entry(
            bits=self.bits,
            roles=names,
            held=tuple(held.values()),
            sure=sure,
            depends=depends,
            valid_until=valid_until.timestamp() if valid_until else float("inf"),
        )


@dataclass(frozen=True, slots=True)
class Entry:
    """One person's effective permissions, until `valid_until` or a new stamp."""

    bits: Mapping[str, int]
    roles: tuple[str, ...]
    held: tuple[Held, ...]
    sure: int
    depends: int
    valid_until: float  # seconds since the epoch: when an assignment starts or ends
    _covering: dict[str, tuple[Held, ...]] = field(
        default_factory=dict, compare=False, repr=False
    )

    def quick(self, code: str) -> bool | None:
        """Return the answer if it depends on nothing, else None."""
        try:
            bit = self.bits[code]
        except KeyError:
            return None
        if self.sure & bit:
            return True
        return None if self.depends & bit else False

    def covering(self, code: str) -> tuple[Held, ...]:
        """Return the held grants that speak of the code."""
        found = self._covering.get(code)
        if found is None:
            found = tuple(item for item in self.held if covers(item.grant.code, code))
            if code in self.bits:  # unknown codes come from outside: do not hoard
                self._covering[code] = found
        return found

    def check(self, question: Question) -> bool:
        """Whether the permission is allowed; the same answer as `decide`."""
        if question.bindings.resource is None:
            quick = self.quick(question.permission)
            if quick is not None:
                return quick
        return resolve(self.covering(question.permission), question) == "allow"

    def decide(self, question: Question) -> Decision:
        """Return the outcome with reasons."""
        trace: list[Reason] = []
        outcome = resolve(self.covering(question.permission), question, trace)
        if outcome == "allow":
            trace = trace[-1:]
        if outcome == "deny" and not trace:
            trace = [*self._absence(question)]
        return self._decision(outcome, question, trace)

    def _absence(self, question: Question) -> list[Reason]:
        aggregate = question.permission + AGGREGATE_SUFFIX
        reasons = [Reason(kind="no_grant", text="user lacks required role")]
        if self.check(question._replace(permission=aggregate)):
            text = f"only aggregated figures: {aggregate} is granted"
            text += f", {question.permission} is not"
            reasons.insert(0, Reason(kind="aggregate_only", text=text, grant=aggregate))
        return reasons

    def _decision(
        self, outcome: Outcome, question: Question, trace: list[Reason]
    ) -> Decision:
        # The floor is everybody's: it says something only where there is nothing else.
        given = tuple(name for name in self.roles if name != PUBLIC_ROLE)
        return Decision(outcome, question.permission, tuple(trace), given or self.roles)

    def allowed_codes(self, bindings: Bindings) -> tuple[str, ...]:
        """Return the registered codes that are allowed now, without a resource."""
        return tuple(
            code
            for code in self.bits
            if self.check(Question(permission=code, bindings=bindings))
        )

    @property
    def holds_everything(self) -> bool:
        """Whether `*` is held without condition and nothing is denied."""
        denies = any(item.grant.effect == "deny" for item in self.held)
        return not denies and any(
            item.grant.code == EVERYTHING and item.grant.is_plain for item in self.held
        )


def _masks_of(role: Role, bits: Mapping[str, int]) -> Masks:
    masks = Masks()
    for grant in role.grants:
        if not grant.asks_whole:
            continue
        mask = 0
        for code, bit in bits.items():
            if covers(grant.code, code):
                mask |= bit
        if grant.effect == "allow":
            masks |= Masks(allow=mask) if grant.is_plain else Masks(may_allow=mask)
        else:
            masks |= Masks(deny=mask) if grant.is_plain else Masks(may_deny=mask)
    return masks


def _compiled(
    name: str, roles: Mapping[str, Role], own: Mapping[str, Masks]
) -> CompiledRole:
    """Walk the ancestors once each; a cycle, should one be stored, ends the walk."""
    paths: dict[str, tuple[str, ...]] = {name: (name,)}
    pending = [name]
    masks, held = Masks(), list[Held]()
    while pending:
        current = pending.pop(0)
        masks |= own[current]
        path = paths[current]
        held.extend(Held(grant, path) for grant in roles[current].grants)
        for parent in roles[current].parents:
            if parent in roles and parent not in paths:
                paths[parent] = (*path, parent)
                pending.append(parent)
    return CompiledRole(name, tuple(held), masks, tuple(paths))
