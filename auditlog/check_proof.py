#!/usr/bin/env python3
"""Check a proof that events are in the audit log, with the standard library alone.

    python3 check_proof.py FILE [--key HEX] [--head HEX] [--anchors FILE] [--digest HEX]

FILE is the proof of one event, or the evidence of an incident. `--key` is the public
key as its owner published it, `--head` a head that was anchored outside the database
(given as often as you have heads), `--anchors` a file of such heads, `--digest` what
the log says that was handed out. Without them what is in FILE is only checked against
itself. Ends with 0 if everything holds and with 1 if anything does not.

Formats: docs/reference/audit-proofs.md. Ed25519 after RFC 8032, section 5.1.7.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections.abc import Callable, Container, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

Point = tuple[int, int, int, int]
P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
PACKAGE = "chatsec.incident-evidence/1"
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


PARTS = {
    "format",
    "digest",
    "manifest",
    "incident",
    "public_key",
    "events",
    "seals",
    "anchors",
}
STANDINGS = ("sealed", "waiting", "unknown")


class Outside:
    """What the reader has of the log from elsewhere: key, heads, digest."""

    def __init__(
        self,
        key: str | None = None,
        heads: Sequence[str] = (),
        anchors: Sequence[Mapping[str, Any]] = (),
        digest: str | None = None,
    ) -> None:
        self.key, self.digest = key, digest
        self.heads = [head.lower() for head in heads]
        self.numbered = [(anchor["number"], anchor["head"]) for anchor in anchors]

    def vouched(self, heads: Mapping[int, str]) -> set[int]:
        """Return which of these seals have a head of the reader's; raise Wrong."""
        for number, head in self.numbered:
            if heads.get(number, head) != head:
                raise Wrong(f"seal {number!r}: another head was anchored")
        known = set(heads.values())
        if missing := [head for head in self.heads if head not in known]:
            raise Wrong(f"no seal has the anchored head {missing[0]!r}")
        given = {*self.heads, *(head for _, head in self.numbered)}
        return {number for number, head in heads.items() if head in given}


def same(one: Any, other: Any) -> bool:
    """Whether two values are one in JSON too: 1 is neither true nor 1.0."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def digest_of(package: Mapping[str, Any]) -> str:
    """Return the SHA-256 of all that the package holds besides its digest."""
    rest = {name: value for name, value in package.items() if name != "digest"}
    return sha256(
        json.dumps(rest, sort_keys=True, separators=(",", ":")).encode()
    ).hex()


def check_manifest(package: Mapping[str, Any]) -> None:
    """Raise Wrong unless the package holds what its manifest says."""
    if package.keys() != PARTS or not same(package["digest"], digest_of(package)):
        raise Wrong("the digest is not that of the package")
    manifest, incident = package["manifest"], package["incident"]
    standings = [each["standing"] for each in package["events"]]
    held = {
        "incident": incident["id"],
        "events": len(standings),
        **{each: standings.count(each) for each in STANDINGS},
        "seals": len(package["seals"]),
        "anchors": len(package["anchors"]),
        "timeline": len(incident["timeline"]),
        "alerts": len(incident["incident_alerts"]),
    }
    if not same({name: manifest[name] for name in held}, held):
        raise Wrong("the package does not hold what its manifest says")
    if sum(standings.count(each) for each in STANDINGS) != len(standings):
        raise Wrong("an event is neither sealed nor not")
    for count in (manifest["made_at"], *manifest["left_out"].values()):
        number(count)


def check_seals(seals: Sequence[Mapping[str, Any]], key: str) -> dict[int, str]:
    """Check what proofs share; return the head of each seal by its number."""
    keys = {seals[0]["key_id"]: bytes.fromhex(key)} if seals else {}
    heads: dict[int, str] = {}
    last = -1
    for seal in seals:
        number(seal["number"])
        if seal["number"] <= last:
            raise Wrong(f"seal {seal['number']}: it does not come after the one before")
        # Between two stretches seals are missing; inside of one none is.
        if seal["number"] - 1 in heads and seal["previous"] != heads[last]:
            raise Wrong(f"seal {seal['number']}: it does not follow the one before")
        last = seal["number"]
        heads[last] = check_seal(seal, keys).hex()
    return heads


def check_anchors(anchors: Sequence[Any], heads: Mapping[int, str]) -> set[int]:
    """Return which seals the package says were anchored; raise Wrong."""
    for anchor in anchors:
        number(anchor["anchored_at"])
        text(anchor["sink"])
        if heads.get(anchor["number"]) != anchor["head"]:
            raise Wrong(f"seal {anchor['number']!r} has not the head that was anchored")
    return {anchor["number"] for anchor in anchors}


def led_to(start: int, heads: Mapping[int, str], wanted: Container[int]) -> int | None:
    """Return the next wanted seal that the chain goes on to without a gap."""
    while start in heads:
        if start in wanted:
            return start
        start += 1
    return None


def check_place(item: Mapping[str, Any], seals: Mapping[int, Any]) -> None:
    """Raise Wrong unless the event is where the package says that it is."""
    if item.keys() != {"event", "standing", "seal", "index", "path"}:
        raise Wrong("an event is not laid out as one")
    leaf, seal = leaf_of(item["event"]), item["seal"]
    if item["standing"] != "sealed":
        if not same([seal, item["index"], item["path"]], [None, None, []]):
            raise Wrong("an event that no seal has says where it is")
        return
    number(seal)
    if seal not in seals:
        raise Wrong(f"seal {seal} of an event is not there")
    number(seals[seal]["count"])
    path = [plain_hex(step) for step in item["path"]]
    root = root_of(leaf, item["index"], seals[seal]["count"], path)
    if root.hex() != seals[seal]["root"]:
        raise Wrong(f"an event does not lead to the root of seal {seal}")


def plain(value: Any) -> str:
    """Return a text that does nothing to the terminal that shows it."""
    return "".join(each if each.isprintable() else "?" for each in str(value))


def moment(microseconds: int) -> str:
    """Return a time as people read it."""
    begin = datetime(1970, 1, 1, tzinfo=UTC)
    return f"{begin + timedelta(microseconds=microseconds):%Y-%m-%d %H:%M:%S} UTC"


def check_package(package: Mapping[str, Any], outside: Outside) -> list[str]:
    """Raise Wrong unless the evidence holds; return what it shows, event by event."""
    check_manifest(package)
    key = package["public_key"]
    if package["seals"] and (outside.key or key).lower() != key:
        raise Wrong("the package names another key than you")
    heads = check_seals(package["seals"], key)
    seals = {seal["number"]: seal for seal in package["seals"]}
    named = check_anchors(package["anchors"], heads)
    vouched = outside.vouched(heads)
    if outside.digest not in (None, package["digest"]):
        raise Wrong("this is not the package of the digest that you gave")
    said, seen, led = [], set(), 0
    for item in package["events"]:
        check_place(item, seals)
        event = item["event"]
        if event["event_id"] in seen:
            raise Wrong(f"event {event['event_id']} is there twice")
        seen.add(event["event_id"])
        yours = led_to(item["seal"], heads, vouched)
        led += yours is not None
        shown = standing_of(item, heads, (yours, led_to(item["seal"], heads, named)))
        said.append(f"{titled(event)}: {shown}")
    return [*opening(package), *said, *closing(package, outside, led)]


def titled(event: Mapping[str, Any]) -> str:
    """Return what an event is called in the report."""
    what = f"{moment(event['occurred_at'])} {event['event_type']} {event['outcome']}"
    return plain(f"{what} {event['event_id']}")


def standing_of(
    item: Mapping[str, Any],
    heads: Mapping[int, str],
    reached: tuple[int | None, int | None],
) -> str:
    """Return how far the event is proven: to your head, to a named one, or not."""
    if item["standing"] == "waiting":
        return "NOT PROVEN: not sealed yet when this was made"
    if item["standing"] == "unknown":
        return "NOT PROVEN: no seal has it, though its time is sealed"
    yours, named = reached
    proven = f"proven, leaf {item['index']} of seal {item['seal']}"
    if yours is not None:
        return f"{proven}, up to your head {heads[yours]} of seal {yours}"
    if named is not None:
        return f"{proven}, up to head {heads[named]} of seal {named}: compare it"
    return f"{proven}, by the key alone: no head was anchored soon after"


def opening(package: Mapping[str, Any]) -> list[str]:
    """Return what the package is about, in lines."""
    incident, manifest = package["incident"], package["manifest"]
    about = [f"{incident[name]}" for name in ("label", "title", "severity", "state")]
    out = manifest["left_out"]
    return [
        plain(f"Evidence of {', '.join(about)} (made {moment(manifest['made_at'])})."),
        (
            f"Left out: {out['events']} events, {out['timeline']} lines of the"
            f" timeline, {out['alerts']} alerts."
        ),
    ]


def closing(package: Mapping[str, Any], outside: Outside, led: int) -> list[str]:
    """Return what all of it comes to, in lines."""
    held = package["manifest"]
    said = [
        (
            f"{held['sealed']} of {held['events']} events are proven, {led} of them up"
            f" to a head that you gave; {held['waiting']} were not sealed yet, no seal"
            f" has {held['unknown']}."
        ),
        f"{held['seals']} signatures hold.",
        (
            "Title, states, timeline and notes are an account: the digest holds them"
            " together, no seal does."
        ),
        f"Digest: {package['digest']}",
    ]
    if outside.key is None:
        said.append("The key is the package's own: compare it with the published one.")
    if outside.digest is None:
        said.append("Compare the digest with that of auditlog.evidence_exported.")
    return said


def once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """Return the object; a name that is there twice reads differently elsewhere."""
    if len(dict(pairs)) != len(pairs):
        raise Wrong("an object has one name twice")
    return dict(pairs)


def spelled(kind: Callable[[str], Any]) -> Callable[[str], Any]:
    """Return a reader of numbers that takes each in its one spelling."""

    def read(digits: str) -> Any:
        if str(kind(digits)) != digits:
            raise Wrong(f"{digits!r} is not spelled as a number is here")
        return kind(digits)

    return read


def refused(word: str) -> Any:
    """Raise Wrong: JSON knows no such number."""
    raise Wrong(f"{word} is no number")


def read_json(raw: bytes) -> Any:
    """Return the document, each value of which has one spelling."""
    return json.loads(
        raw.decode(),
        object_pairs_hook=once,
        parse_int=spelled(int),
        parse_float=spelled(float),
        parse_constant=refused,
    )


def check_file(given: argparse.Namespace) -> list[str]:
    """Check the file that the command line names; return the sentences that hold."""
    document = read_json(Path(given.proof).read_bytes())
    lines = Path(given.anchors).read_bytes().splitlines() if given.anchors else []
    anchors = [read_json(line) for line in lines if line.strip()]
    if isinstance(document, dict) and document.get("format") == PACKAGE:
        outside = Outside(given.key, given.head, anchors, given.digest)
        return check_package(document, outside)
    if given.anchors or given.digest or len(given.head) > 1:
        raise Wrong("the proof of one event is compared with one --head")
    return check(document, given.key, *given.head)


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


def digits(given: str) -> str:
    """Return 32 bytes in hex as the log spells them, as somebody copied them."""
    spelled = given.strip().removeprefix("sha256:").lower()
    try:
        size = len(bytes.fromhex(spelled))
    except ValueError:
        size = 0
    if size != 32 or len(spelled) != 64:
        raise argparse.ArgumentTypeError(f"{given!r} is not 64 hexadecimal digits")
    return spelled


def readable(given: str) -> str:
    """Return the path of a file that can be read."""
    try:
        with Path(given).open("rb"):
            return given
    except OSError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def main() -> int:
    """Check what the command line names; return the exit status.

    0: it holds. 1: it does not. 2: the command line is wrong, and nothing was checked.
    """
    asked = argparse.ArgumentParser(description="Check proofs of audit events.")
    asked.add_argument("proof", type=readable, help="the file to check")
    asked.add_argument("--key", type=digits, help="the public key, as hex")
    asked.add_argument(
        "--head",
        action="append",
        default=[],
        type=digits,
        help="an anchored head, as hex",
    )
    asked.add_argument(
        "--anchors", type=readable, help="a file of anchored heads, one a line"
    )
    asked.add_argument(
        "--digest", type=digits, help="the digest that the log names, as hex"
    )
    try:
        said = check_file(asked.parse_args())
    except UNREADABLE as error:
        sys.stdout.write(f"WRONG: {error}\n")
        return 1
    sys.stdout.write("\n".join([*said, ""]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
