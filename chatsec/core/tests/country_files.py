"""Files in the MaxMind DB format (specification 2.0), small enough to write here."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping

from chatsec.core import countries

MARKER = b"\xab\xcd\xefMaxMind.com"
Record = Mapping[str, "str | int | Record"]


def forget_countries() -> None:
    """Let the next look-up read the settings again."""
    countries.country_of.cache_clear()
    countries._reader.cache_clear()


def country_file(records: Mapping[str, Record]) -> bytes:
    """Return a database of these IPv4 networks, which do not overlap."""
    tree: list[list[int | bytes | None]] = [[None, None]]
    for network, record in records.items():
        _insert(tree, ipaddress.IPv4Network(network), _encoded(record))
    data, nodes = b"", b""
    for pair in tree:
        for side in pair:
            if isinstance(side, bytes):
                pointer = len(tree) + 16 + len(data)
                data += side
            else:
                pointer = len(tree) if side is None else side
            nodes += pointer.to_bytes(4, "big")
    return nodes + bytes(16) + data + MARKER + _metadata(len(tree))


def _metadata(nodes: int) -> bytes:
    """Return the map that describes the file, whose types readers insist on."""
    values = {
        "node_count": _encoded(nodes),
        "record_size": _short(32),
        "ip_version": _short(4),
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
    tree: list[list[int | bytes | None]], network: ipaddress.IPv4Network, data: bytes
) -> None:
    address, node = int(network.network_address), 0
    for depth in range(network.prefixlen):
        side = address >> (31 - depth) & 1
        if depth == network.prefixlen - 1:
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
