#!/usr/bin/env python3
"""Check a proof that an event is in the audit log, with the standard library alone.

    python3 check_proof.py proof.json [--key HEX] [--head HEX]

`--key` is the public key as its owner published it, `--head` a head that was anchored
outside the database. Without them the proof is only checked against itself. Ends with 0
if everything holds and with 1 if anything does not.

Formats: docs/reference/audit-proofs.md. Ed25519 after RFC 8032, section 5.1.7.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

Point = tuple[int, int, int, int]
P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
SQRT_M1 = pow(2, (P - 1) // 4, P)


class Wrong(Exception):
    """The proof does not hold; the text says where."""


def sha256(data: bytes) -> bytes:
    """Return the SHA-256 digest."""
    return hashlib.sha256(data).digest()


def add(p: Point, q: Point) -> Point:
    """Add two points in extended coordinates (X, Y, Z, T)."""
    a = (p[1] - p[0]) * (q[1] - q[0]) % P
    b = (p[1] + p[0]) * (q[1] + q[0]) % P
    c, d = 2 * p[3] * q[3] * D % P, 2 * p[2] * q[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def multiply(scalar: int, point: Point) -> Point:
    """Return the point, scalar times (public values only: no constant time)."""
    result = (0, 1, 1, 0)
    while scalar:
        if scalar & 1:
            result = add(result, point)
        point, scalar = add(point, point), scalar >> 1
    return result


def equal(p: Point, q: Point) -> bool:
    """Whether two points are the same."""
    return (p[0] * q[2] - q[0] * p[2]) % P == 0 == (p[1] * q[2] - q[1] * p[2]) % P


def decode_point(data: bytes) -> Point:
    """Return the point, or raise Wrong (RFC 8032, section 5.1.3)."""
    y = int.from_bytes(data, "little")
    sign, y = y >> 255, y & ((1 << 255) - 1)
    if y >= P:
        raise Wrong("a point is not on the curve")
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * SQRT_M1 % P
    if (x * x - square) % P or (x == 0 and sign):
        raise Wrong("a point is not on the curve")
    if x & 1 != sign:
        x = P - x
    return x, y, 1, x * y % P


BASE_Y = 4 * pow(5, P - 2, P) % P
BASE = decode_point(BASE_Y.to_bytes(32, "little"))


def is_signed(key: bytes, message: bytes, signature: bytes) -> bool:
    """Whether the Ed25519 signature over the message is this key's."""
    if len(key) != 32 or len(signature) != 64:
        return False
    s = int.from_bytes(signature[32:], "little")
    if s >= ORDER:
        return False
    hashed = hashlib.sha512(signature[:32] + key + message).digest()
    k = int.from_bytes(hashed, "little") % ORDER
    right = add(decode_point(signature[:32]), multiply(k, decode_point(key)))
    return equal(multiply(s, BASE), right)


def field(value: bytes | None) -> bytes:
    """Return length and bytes; NULL is the length FF FF FF FF."""
    if value is None:
        return b"\xff\xff\xff\xff"
    return len(value).to_bytes(4, "big") + value


def number(value: Any) -> bytes:
    """Return eight bytes, signed, the highest first."""
    if type(value) is not int or not -(2**63) <= value < 2**63:
        raise Wrong(f"{value!r} is no whole number of eight bytes")
    return value.to_bytes(8, "big", signed=True)


def text(value: Any) -> bytes:
    """Return the UTF-8 bytes of a text."""
    if not isinstance(value, str):
        raise Wrong(f"{value!r} is no text")
    return value.encode()


def plain_hex(value: Any) -> bytes:
    """Return the bytes; in one spelling only: what is read is what was hashed."""
    data = bytes.fromhex(text(value).decode())
    if data.hex() != value:
        raise Wrong(f"{value!r} is not spelled as hex is here")
    return data


def uuid(value: Any) -> bytes:
    """Return the sixteen bytes of a UUID."""
    data = bytes.fromhex(text(value).decode().replace("-", ""))
    digits = data.hex()
    parts = [digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]]
    if len(data) != 16 or "-".join(parts) != value:
        raise Wrong(f"{value!r} is not spelled as a UUID is here")
    return data


def truth(value: Any) -> bytes:
    """Return one byte for true or false."""
    if not isinstance(value, bool):
        raise Wrong(f"{value!r} is neither true nor false")
    return b"\x01" if value else b"\x00"


# The columns of an event in the order of hashing, and how a proof spells each. Events
# of schema version 1 have only the first ones, under a tag of their own.
FIRST_COLUMNS: dict[str, Callable[[Any], bytes]] = {
    "event_id": uuid,
    "category": text,
    "occurred_at": number,  # microseconds since 1970-01-01 UTC
    "event_type": text,
    "severity": text,
    "outcome": text,
    "actor_kind": text,
    "actor_pseudonym": uuid,
    "subject_pseudonym": uuid,
    "channel": text,
    "session_hash": plain_hex,
    "ip_hash": plain_hex,
    "request_id": text,
    "resource_type": text,
    "resource_id": text,
    "classification": text,
    "result_count": number,
    "details": plain_hex,
    "subject_details": plain_hex,
    "redacted": truth,
    "redaction_count": number,
    "expires_at": number,
    "schema_version": number,
    "epoch": number,
    "xid": number,
}
COLUMNS: dict[str, Callable[[Any], bytes]] = {
    **FIRST_COLUMNS,
    "network_hash": plain_hex,
    "device_hash": plain_hex,
    "country": text,
}


def leaf_of(event: Mapping[str, Any]) -> bytes:
    """Hash an event; every column counts, and nothing that is not a column."""
    columns, tag = COLUMNS, b"\x00chatsec.event/2"
    if event.keys() == FIRST_COLUMNS.keys() and event["schema_version"] == 1:
        columns, tag = FIRST_COLUMNS, b"\x00chatsec.event/1"
    if event.keys() != columns.keys():
        raise Wrong("the event has not the columns of an event")
    values = (
        None if event[name] is None else encode(event[name])
        for name, encode in columns.items()
    )
    return sha256(tag + b"".join(field(each) for each in values))


def root_of(leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes:
    """Follow the path upwards (RFC 9162, section 2.1.3.2)."""
    if type(index) is not int or not 0 <= index < size:
        raise Wrong("the leaf is not in the tree")
    node, last, steps = leaf, size - 1, list(path)
    while last:
        if index % 2 or index != last:
            if not steps:
                raise Wrong("the path is too short")
            step = steps.pop(0)
            pair = step + node if index % 2 else node + step
            node = sha256(b"\x01" + pair)
        index, last = index // 2, last // 2
    if steps:
        raise Wrong("the path is too long")
    return node


def head_of(seal: Mapping[str, Any]) -> bytes:
    """Return the hash that stands for this seal and all before it."""
    fields = (
        plain_hex(seal["previous"]),
        number(seal["number"]),
        text(seal["kind"]),
        number(seal["sealed_at"]),
        number(seal["epoch"]),
        text(seal["key_id"]),
        number(seal["count"]),
        plain_hex(seal["root"]),
        text(seal["body"]),
    )
    return sha256(b"\x02chatsec.seal/1" + b"".join(field(each) for each in fields))


def check_seal(seal: Mapping[str, Any], keys: dict[str, bytes]) -> bytes:
    """Check head and signature; a seal of kind `key` brings the next key."""
    head = head_of(seal)
    if head.hex() != seal["head"]:
        raise Wrong(f"seal {seal['number']}: the head is not that of its content")
    key = keys.get(seal["key_id"])
    if key is None:
        raise Wrong(f"seal {seal['number']}: signed by a key that nobody vouched for")
    if not is_signed(key, head, bytes.fromhex(seal["signature"])):
        raise Wrong(f"seal {seal['number']}: the signature is not right")
    if seal["kind"] == "key":
        named = json.loads(seal["body"])
        keys[named["key_id"]] = bytes.fromhex(named["public_key"])
    return head


def laid_out(proof: Any) -> list[Any]:
    """Return the seals of what looks like a proof."""
    if not isinstance(proof, dict) or proof.get("format") != "chatsec.audit-proof/1":
        raise Wrong("this is not a proof of an audit event")
    seals: list[Any] = proof["seals"]
    event, path = proof["event"], proof["path"]
    if [type(each) for each in (event, path, seals)] != [dict, list, list]:
        raise Wrong("the proof is not laid out as one")
    number(seals[0]["count"])
    return seals


def check(
    proof: Mapping[str, Any], key: str | None = None, anchored: str | None = None
) -> list[str]:
    """Raise Wrong unless the event is in the log; return the sentences that hold."""
    seals = laid_out(proof)
    given = bytes.fromhex(key or proof["public_key"])
    keys = {seals[0]["key_id"]: given}
    path = [plain_hex(step) for step in proof["path"]]
    root = root_of(leaf_of(proof["event"]), proof["index"], seals[0]["count"], path)
    if root.hex() != seals[0]["root"]:
        raise Wrong("the event does not lead to the root that was signed")
    heads: list[str] = []
    for seal in seals:
        if heads and seal["previous"] != heads[-1]:
            raise Wrong(f"seal {seal['number']}: it does not follow the one before")
        heads.append(check_seal(seal, keys).hex())
    if anchored is not None and anchored.lower() not in heads:
        raise Wrong("no seal of this proof has the anchored head")
    said = [f"The event is leaf {proof['index']} of seal {seals[0]['number']}."]
    said.append(f"{len(seals)} signatures hold, up to seal {seals[-1]['number']}.")
    if key is None:
        said.append("The key is the proof's own: compare it with the published one.")
    if anchored is not None:
        said.append("The anchored head is among them.")
    return said


UNREADABLE = (
    Wrong,
    ArithmeticError,
    AttributeError,
    LookupError,
    OSError,
    RecursionError,
    TypeError,
    ValueError,
)


def main() -> int:
    """Check the proof that the command line names; return the exit status."""
    asked = argparse.ArgumentParser(description="Check a proof of an audit event.")
    asked.add_argument("proof")
    asked.add_argument("--key", help="the public key, as hex")
    asked.add_argument("--head", help="an anchored head, as hex")
    given = asked.parse_args()
    try:
        proof = json.loads(Path(given.proof).read_bytes())
        said = check(proof, given.key, given.head)
    except UNREADABLE as error:
        sys.stdout.write(f"WRONG: {error}\n")
        return 1
    sys.stdout.write("\n".join([*said, ""]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
