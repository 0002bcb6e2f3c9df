"""Files in the MaxMind DB format (specification 2.0), small enough to write here."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Literal

from chatsec.core import countries

MARKER = b"\xab\xcd\xefMaxMind.com"
Record = Mapping[str, "str | int | Record"]
Tree = list[list["int | bytes | None"]]
RecordSize = Literal[24, 28, 32]


def forget_countries() -> None:
    """Let the next look-up read the settings again."""
    countries.forget()


def country_file(
    records: Mapping[str, Record], *, record_size: RecordSize = 32
) -> bytes:
    """Return a database of these networks, which do not overlap.

    With an IPv6 network among them its tree is of IPv6, and IPv4 lies below ::/96.
    """
    networks = {ipaddress.ip_network(name): record for name, record in records.items()}
    version = max([4, *(network.version for network in networks)])
    tree: Tree = [[None, None]]
    for network, record in networks.items():
        _insert(tree, network, _encoded(record), version=version)
    data, nodes = b"", b""
    for pair in tree:
        pointers: list[int] = []
        for side in pair:
            if isinstance(side, bytes):
                pointers.append(len(tree) + 16 + len(data))
                data += side
            else:
                pointers.append(len(tree) if side is None else side)
        nodes += _node(pointers, record_size)
    described = _metadata(len(tree), record_size, version)
    return nodes + bytes(16) + data + MARKER + described


def _node(pair: list[int], record_size: RecordSize) -> bytes:
    """Return a pair of records; of 28 bits, the middle byte holds both high ends."""
    left, right = pair
    if record_size != 28:
        size = record_size // 8
        return left.to_bytes(size, "big") + right.to_bytes(size, "big")
    middle = (left >> 24) << 4 | right >> 24
    low = 0xFFFFFF
    return (
        (left & low).to_bytes(3, "big")
        + bytes([middle])
        + (right & low).to_bytes(3, "big")
    )


def _metadata(nodes: int, record_size: int, version: int) -> bytes:
    """Return the map that describes the file, whose types readers insist on."""
    values = {
        "node_count": _encoded(nodes),
        "record_size": _short(record_size),
        "ip_version": _short(version),
        "database_type": _encoded("Test-Country"),
        "languages": b"\x00\x04",
        "binary_format_major_version": _short(2),
        "binary_format_minor_version": _short(0),
        "build_epoch": b"\x08\x02" + (1).to_bytes(8, "big"),
        "description": _encoded({}),
    }
    pairs = b"".join(_encoded(name) + value for name, value in values.items())
    return bytes([7 << 5 | len(values)]) + pairs


def _short(value: int) -> bytes:
    """Return an uint16, which is type 5."""
    return bytes([5 << 5 | 2]) + value.to_bytes(2, "big")


def _insert(
    tree: Tree,
    network: ipaddress.IPv4Network | ipaddress.IPv6Network,
    data: bytes,
    *,
    version: int,
) -> None:
    bits = 32 if version == 4 else 128
    length = network.prefixlen + bits - network.max_prefixlen
    address, node = int(network.network_address), 0
    for depth in range(length):
        side = address >> (bits - 1 - depth) & 1
        if depth == length - 1:
            tree[node][side] = data
            return
        following = tree[node][side]
        if following is None:
            tree.append([None, None])
            following = tree[node][side] = len(tree) - 1
        assert isinstance(following, int)
        node = following


def _encoded(value: str | int | Record) -> bytes:
    """Return the value: text is type 2, uint32 type 6, a map type 7."""
    if isinstance(value, str):
        return bytes([2 << 5 | len(value)]) + value.encode()
    if isinstance(value, int):
        return bytes([6 << 5 | 4]) + value.to_bytes(4, "big")
    pairs = b"".join(_encoded(key) + _encoded(each) for key, each in value.items())
    return bytes([7 << 5 | len(value)]) + pairs
