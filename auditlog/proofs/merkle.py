"""Merkle trees over leaf hashes (RFC 6962, section 2.1: nodes are tagged 01)."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import Final

HASH_BYTES: Final = 32
NODE: Final = b"\x01"
EMPTY_ROOT: Final = sha256(b"").digest()


def root(leaves: Sequence[bytes]) -> bytes:
    """Return the root of the tree; an empty one has the hash of nothing."""
    level = list(leaves)
    if not level:
        return EMPTY_ROOT
    while len(level) > 1:
        level = _next_level(level)
    return level[0]


def _next_level(level: list[bytes]) -> list[bytes]:
    # Pairing neighbours and carrying the odd one up is RFC 6962's split, level-wise.
    pairs = zip(level[::2], level[1::2], strict=False)
    above = [sha256(NODE + left + right).digest() for left, right in pairs]
    if len(level) % 2:
        above.append(level[-1])
    return above


def levels(leaves: Sequence[bytes]) -> list[list[bytes]]:
    """Return the tree from its leaves up to its root, for paths of many leaves."""
    found = [list(leaves)]
    while len(found[-1]) > 1:
        found.append(_next_level(found[-1]))
    return found


def path(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """Return the audit path of a leaf, from the bottom up."""
    return path_in(levels(leaves), index)


def path_in(tree: Sequence[Sequence[bytes]], index: int) -> list[bytes]:
    """Return the audit path of a leaf of a tree that `levels` made."""
    if not 0 <= index < len(tree[0]):
        raise IndexError(f"there is no leaf {index} of {len(tree[0])}")
    found = []
    for level in tree[:-1]:
        sibling = index ^ 1
        if sibling < len(level):
            found.append(level[sibling])
        index //= 2
    return found


def root_from_path(
    leaf: bytes, *, index: int, size: int, path: Sequence[bytes]
) -> bytes:
    """Return the root that the path leads to (RFC 9162, section 2.1.3.2).

    Raises ValueError when the path does not fit a tree of this size.
    """
    if not 0 <= index < size:
        raise ValueError(f"there is no leaf {index} of {size}")
    node, last, steps = leaf, size - 1, iter(path)
    while last:
        if index % 2 or index != last:
            step = next(steps, None)
            if step is None:
                raise ValueError("the path is too short")
            pair = step + node if index % 2 else node + step
            node = sha256(NODE + pair).digest()
        index, last = index // 2, last // 2
    if next(steps, None) is not None:
        raise ValueError("the path is too long")
    return node
