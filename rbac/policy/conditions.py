"""A condition: its text, its tree, and the closure that answers it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache

from rbac.policy.evaluation import compile_node, reader
from rbac.policy.parser import ConditionError, parse
from rbac.policy.syntax import (
    And,
    Attribute,
    Node,
    Unknown,
    mentions_resource,
    required_attributes,
)
from rbac.policy.values import Bindings, Tri


@dataclass(frozen=True, slots=True)
class Condition:
    """Compiled once; equal texts are equal conditions."""

    text: str
    root: Node = field(compare=False, repr=False)
    evaluate: Callable[[Bindings], Tri] = field(compare=False, repr=False)
    needs_resource: bool = field(compare=False)
    attributes: tuple[Attribute, ...] = field(compare=False, repr=False)
    error: str = field(default="", compare=False)

    @classmethod
    def of(cls, text: str, root: Node, *, error: str = "") -> Condition:
        """Return the condition with everything derived from its tree."""
        return cls(
            text=text,
            root=root,
            evaluate=compile_node(root),
            needs_resource=mentions_resource(root),
            attributes=required_attributes(root),
            error=error,
        )

    def and_also(self, other: Condition | None) -> Condition:
        """Return the condition that holds where both hold."""
        if other is None:
            return self
        text = f"({self.text}) && ({other.text})"
        error = self.error or other.error
        return Condition.of(text, And((self.root, other.root)), error=error)

    def missing(self, bindings: Bindings) -> tuple[str, ...]:
        """Return the attributes it names that are not known here."""
        return tuple(
            str(attribute)
            for attribute in self.attributes
            if reader(attribute)(bindings) is None
        )

    def values(self, bindings: Bindings) -> str:
        """Return what its attributes stand for here, worded for people."""
        shown = ((a, reader(a)(bindings)) for a in self.attributes)
        return ", ".join(
            f"{attribute} = {'unknown' if value is None else value}"
            for attribute, value in shown
        )


@lru_cache(maxsize=4096)
def parse_condition(text: str) -> Condition:
    """Return the condition; raise ConditionError with the position."""
    return Condition.of(text, parse(text))


@lru_cache(maxsize=4096)
def load_condition(text: str) -> Condition | None:
    """Return a stored condition, None for "always"; an unreadable one is unknown.

    Unknown grants nothing and denies: a broken row written past the services fails
    closed in both directions.
    """
    if text == "":
        return None
    try:
        return parse_condition(text)
    except ConditionError as error:
        return Condition.of(text, Unknown(), error=str(error))
