"""Roles become bit masks: a plain check is one look-up and an and.

A snapshot holds every role, compiled with its closure when it is first asked for; an
entry holds what one person's active roles come to. Neither ever changes: an edit makes
a new snapshot that shares all that the edit does not reach. What has a condition is
left to `decisions.resolve`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from rbac.policy.decisions import Decision, Held, Outcome, Question, Reason, resolve
from rbac.policy.roles import EVERYTHING, Grant, Role, bare_code, covers, is_pattern
from rbac.policy.values import Bindings

AGGREGATE_SUFFIX = "_aggregate"
PUBLIC_ROLE = "public"
FOREVER = float("inf")


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


class Own:
    """A role's own grants, by exact code and by pattern, and their masks."""

    __slots__ = ("exact", "masks", "patterns")

    def __init__(self, role: Role, bits: Mapping[str, int]) -> None:
        self.masks = _masks_of(role, bits)
        self.exact: dict[str, list[Grant]] = {}
        self.patterns: list[Grant] = []
        for grant in role.grants:
            if is_pattern(grant.code):
                self.patterns.append(grant)
            else:
                self.exact.setdefault(grant.code, []).append(grant)

    def covering(self, code: str) -> Iterator[Grant]:
        """Yield the grants that speak of the code, the exact ones first."""
        yield from self.exact.get(code, ())
        for grant in self.patterns:
            if covers(grant.code, code):
                yield grant


@dataclass(frozen=True, slots=True)
class CompiledRole:
    """A role with all that it inherits."""

    name: str
    masks: Masks
    # Itself first, then its ancestors, nearest first.
    closure: tuple[str, ...]
    # The same roles, each with the chain of names that leads to it.
    _chain: tuple[tuple[Own, Role, tuple[str, ...]], ...] = field(repr=False)

    @property
    def held(self) -> tuple[Held, ...]:
        """Return every grant, the nearest role's first."""
        return tuple(
            Held(grant, path) for _, role, path in self._chain for grant in role.grants
        )

    @property
    def requires_factor(self) -> bool:
        """Whether it, or a role it inherits, asks for a second factor."""
        return any(role.requires_factor for _, role, _ in self._chain)

    def covering(self, code: str) -> Iterator[Held]:
        """Yield the grants that speak of the code, the nearest role's first."""
        for own, _, path in self._chain:
            for grant in own.covering(code):
                yield Held(grant, path)


class CompiledRoles(Mapping[str, CompiledRole]):
    """All roles by name, each compiled when it is first asked for.

    Compiling twice at once is harmless: both come to the same.
    """

    __slots__ = ("_bits", "_made", "_own", "stored")

    def __init__(
        self,
        stored: Mapping[str, Role],
        bits: Mapping[str, int],
        *,
        own: dict[str, Own] | None = None,
        made: dict[str, CompiledRole] | None = None,
    ) -> None:
        self.stored = stored
        self._bits = bits
        self._own = own or {}
        self._made = made or {}

    def __getitem__(self, name: str) -> CompiledRole:
        found = self._made.get(name)
        if found is None:
            found = self._made[name] = self._compiled(self.stored[name].name)
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self.stored)

    def __len__(self) -> int:
        return len(self.stored)

    def __contains__(self, name: object) -> bool:
        return name in self.stored

    def edited(self, changed: Iterable[Role], gone: Collection[str]) -> CompiledRoles:
        """Return the roles after an edit; what it does not reach stays compiled."""
        by_name = {role.name: role for role in changed}
        stored = {**self.stored, **by_name}
        for name in gone:
            if name not in by_name:  # else gone and made again
                stored.pop(name, None)
        touched = {*by_name, *gone}
        # A name that was unknown until now may have been waited for as a parent.
        new = by_name.keys() - self.stored.keys()
        if new:
            roles = stored.values()
            touched |= {role.name for role in roles if not new.isdisjoint(role.parents)}
        # Copied in one step each: another thread may be compiling meanwhile.
        own, made = self._own.copy(), self._made.copy()
        for name in touched:
            own.pop(name, None)
        kept = {k: v for k, v in made.items() if touched.isdisjoint(v.closure)}
        return CompiledRoles(stored, self._bits, own=own, made=kept)

    def _compiled(self, name: str) -> CompiledRole:
        """Walk the ancestors once each; a cycle, if one were stored, ends the walk."""
        paths: dict[str, tuple[str, ...]] = {name: (name,)}
        pending = [name]
        masks, chain = Masks(), list[tuple[Own, Role, tuple[str, ...]]]()
        while pending:
            current = pending.pop(0)
            role, own = self.stored[current], self._own_of(current)
            masks |= own.masks
            path = paths[current]
            chain.append((own, role, path))
            for parent in role.parents:
                if parent in self.stored and parent not in paths:
                    paths[parent] = (*path, parent)
                    pending.append(parent)
        return CompiledRole(name, masks, tuple(paths), tuple(chain))

    def _own_of(self, name: str) -> Own:
        found = self._own.get(name)
        if found is None:
            found = self._own[name] = Own(self.stored[name], self._bits)
        return found


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The whole policy at one moment."""

    # Each registered code's own bit, already in its place.
    bits: Mapping[str, int]
    roles: CompiledRoles

    @classmethod
    def build(cls, roles: Iterable[Role], codes: Iterable[str]) -> Snapshot:
        """Return the compiled policy over the registered permission codes."""
        known = sorted(set(map(bare_code, codes)))
        bits = {code: 1 << place for place, code in enumerate(known)}
        return cls(bits, CompiledRoles({role.name: role for role in roles}, bits))

    def edited(
        self, changed: Iterable[Role], *, gone: Collection[str] = ()
    ) -> Snapshot:
        """Return the policy with these roles as they are now and without the gone."""
        return Snapshot(self.bits, self.roles.edited(changed, gone))

    def entry(
        self, roles: Iterable[str], *, valid_until: datetime | None = None
    ) -> Entry:
        """Return what these roles come to, with everybody's floor `public`."""
        names = self.effective(roles)
        masks = Masks()
        for name in names:
            masks |= self.roles[name].masks
        sure = masks.allow & ~(masks.deny | masks.may_deny)
        return Entry(
            bits=self.bits,
            snapshot=self,
            roles=names,
            sure=sure,
            depends=(masks.allow | masks.may_allow) & ~masks.deny & ~sure,
            valid_until=valid_until.timestamp() if valid_until else FOREVER,
        )

    def effective(self, roles: Iterable[str]) -> tuple[str, ...]:
        """Return the names that count, in one order, with the floor."""
        given = sorted({*roles} - {PUBLIC_ROLE})
        return tuple(name for name in (*given, PUBLIC_ROLE) if name in self.roles)


@dataclass(frozen=True, slots=True)
class Entry:
    """One person's effective permissions, until `valid_until` or a new stamp."""

    bits: Mapping[str, int]
    snapshot: Snapshot = field(compare=False, repr=False)
    roles: tuple[str, ...]
    sure: int
    depends: int
    valid_until: float  # seconds since the epoch: when an assignment starts or ends

    def quick(self, code: str) -> bool | None:
        """Return the answer if it depends on nothing, else None."""
        try:
            bit = self.bits[code]
        except KeyError:
            return None
        if self.sure & bit:
            return True
        return None if self.depends & bit else False

    @property
    def held(self) -> tuple[Held, ...]:
        """Return every grant once, by the first of the roles that has it."""
        compiled = (self.snapshot.roles[name] for name in self.roles)
        return _once(item for role in compiled for item in role.held)

    def covering(self, code: str) -> tuple[Held, ...]:
        """Return the held grants that speak of the code."""
        compiled = (self.snapshot.roles[name] for name in self.roles)
        return _once(item for role in compiled for item in role.covering(code))

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
    def requires_factor(self) -> bool:
        """Whether one of the roles asks for a second factor."""
        return any(self.snapshot.roles[name].requires_factor for name in self.roles)

    @property
    def holds_everything(self) -> bool:
        """Whether `*` is held without condition and nothing is denied."""
        denies = any(item.grant.effect == "deny" for item in self.held)
        return not denies and any(
            item.grant.code == EVERYTHING and item.grant.is_plain for item in self.held
        )


def _once(items: Iterable[Held]) -> tuple[Held, ...]:
    """Return the grants without those that another role has brought already."""
    found: dict[int, Held] = {}
    for item in items:
        found.setdefault(id(item.grant), item)
    return tuple(found.values())


def _masks_of(role: Role, bits: Mapping[str, int]) -> Masks:
    allow = deny = may_allow = may_deny = 0
    for grant in role.grants:
        mask = _mask_of(grant.code, bits) if grant.asks_whole else 0
        match grant.effect, grant.is_plain:
            case "allow", True:
                allow |= mask
            case "allow", False:
                may_allow |= mask
            case "deny", True:
                deny |= mask
            case _:
                may_deny |= mask
    return Masks(allow, deny, may_allow, may_deny)


def _mask_of(granted: str, bits: Mapping[str, int]) -> int:
    if not is_pattern(granted):
        return bits.get(granted, 0)
    mask = 0
    for code, bit in bits.items():
        if covers(granted, code):
            mask |= bit
    return mask
