"""The stand-alone checker says the same as the code that makes proofs."""

from __future__ import annotations

import contextlib
import copy
import json
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from auditlog import check_proof
from auditlog.proofs import canonical, chain, merkle

# RFC 8032, section 7.1: secret key, message, signature.
RFC_8032 = [
    (
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "",
        (
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
            "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
        ),
    ),
    (
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "af82",
        (
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
            "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"
        ),
    ),
]
MOMENT = datetime(2026, 1, 1, 0, 0, 0, 123456, tzinfo=UTC)
KEY = Ed25519PrivateKey.from_private_bytes(b"\x07" * 32)
NEXT_KEY = Ed25519PrivateKey.from_private_bytes(b"\x08" * 32)


def row(n: int) -> dict[str, canonical.Value]:
    """Return an event with every type of column, and with NULLs."""
    return {
        **first_version_row(n),
        "schema_version": 2,
        "network_hash": b"\x03\x04",
        "device_hash": None,
        "country": "IS",
    }


def first_version_row(n: int) -> dict[str, canonical.Value]:
    """Return an event as it was before there were places."""
    return {
        "event_id": UUID(int=n),
        "category": "access",
        "occurred_at": MOMENT,
        "event_type": f"e{n}",
        "severity": "info",
        "outcome": "success",
        "actor_kind": "user",
        "actor_pseudonym": UUID(int=77),
        "subject_pseudonym": None,
        "channel": "wéb",
        "session_hash": None,
        "ip_hash": b"\x01\x02",
        "request_id": "",
        "resource_type": "",
        "resource_id": "",
        "classification": "",
        "result_count": None,
        "details": b"\x00\xff",
        "subject_details": None,
        "redacted": True,
        "redaction_count": n,
        "expires_at": MOMENT,
        "schema_version": 1,
        "epoch": 1,
        "xid": 700,
    }


def spelled(value: canonical.Value) -> object:
    """Return the value as a proof spells it."""
    match value:
        case UUID():
            return str(value)
        case bytes():
            return value.hex()
        case datetime():
            return canonical.microseconds(value)
        case _:
            return value


def public(key: Ed25519PrivateKey) -> str:
    return key.public_key().public_bytes_raw().hex()


def seal(header: chain.Header, key: Ed25519PrivateKey) -> dict[str, Any]:
    return {
        "number": header.number,
        "kind": header.kind.value,
        "sealed_at": int(header.sealed_at.timestamp()) * 1_000_000,
        "epoch": header.epoch,
        "key_id": header.key_id,
        "count": header.count,
        "root": header.root.hex(),
        "body": header.body.decode(),
        "previous": header.previous.hex(),
        "head": header.head().hex(),
        "signature": key.sign(header.head()).hex(),
    }


def header(number: int, previous: bytes, **fields: Any) -> chain.Header:
    return chain.Header(
        number=number,
        previous=previous,
        sealed_at=datetime(2026, 1, 1, 0, 0, number, tzinfo=UTC),
        epoch=1,
        **{
            "kind": chain.Kind.HEARTBEAT,
            "key_id": "one",
            "count": 0,
            "root": merkle.EMPTY_ROOT,
            "body": b"{}",
            **fields,
        },
    )


@pytest.fixture
def proof() -> dict[str, Any]:
    return proof_of(row)


def proof_of(row: Callable[[int], dict[str, canonical.Value]]) -> dict[str, Any]:
    leaves = [canonical.leaf(list(row(n).values())) for n in range(7)]
    first = header(
        4,
        chain.GENESIS,
        kind=chain.Kind.EVENTS,
        count=7,
        root=merkle.root(leaves),
    )
    change = header(
        5,
        first.head(),
        kind=chain.Kind.KEY,
        body=json.dumps({"key_id": "two", "public_key": public(NEXT_KEY)}).encode(),
    )
    last = header(6, change.head(), key_id="two")
    return {
        "format": "chatsec.audit-proof/1",
        "public_key": public(KEY),
        "event": {name: spelled(value) for name, value in row(5).items()},
        "index": 5,
        "path": [step.hex() for step in merkle.path(leaves, 5)],
        "seals": [seal(first, KEY), seal(change, KEY), seal(last, NEXT_KEY)],
    }


@pytest.mark.parametrize(("secret", "message", "signature"), RFC_8032)
def test_its_signatures_are_those_of_the_rfc(
    secret: str, message: str, signature: str
) -> None:
    key = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(secret))
    said = bytes.fromhex(signature)

    public_key = bytes.fromhex(public(key))
    assert key.sign(bytes.fromhex(message)) == said
    assert check_proof.is_signed(public_key, bytes.fromhex(message), said)


@settings(max_examples=30, deadline=None)
@given(bit=st.integers(0, 8 * 96 - 1))
def test_it_refuses_what_a_second_implementation_refuses(bit: int) -> None:
    whole = bytearray(KEY.sign(b"head") + KEY.public_key().public_bytes_raw())
    whole[bit // 8] ^= 1 << bit % 8
    signature, key = bytes(whole[:64]), bytes(whole[64:])

    try:
        mine = check_proof.is_signed(key, b"head", signature)
    except check_proof.Wrong:
        mine = False
    assert not mine
    with pytest.raises((InvalidSignature, ValueError)):
        Ed25519PublicKey.from_public_bytes(key).verify(signature, b"head")


def test_it_knows_the_columns_that_are_hashed() -> None:
    assert tuple(check_proof.COLUMNS) == canonical.COLUMNS == tuple(row(0))
    first = tuple(first_version_row(0))
    assert tuple(check_proof.FIRST_COLUMNS) == canonical.FIRST_COLUMNS == first


def test_it_accepts_a_good_proof(proof: dict[str, Any]) -> None:
    anchored = proof["seals"][-1]["head"]

    said = check_proof.check(proof, public(KEY), anchored)

    assert "leaf 5 of seal 4" in said[0]
    assert "3 signatures" in said[1]


def test_it_accepts_the_proof_of_an_old_event() -> None:
    assert check_proof.check(proof_of(first_version_row), public(KEY))


@pytest.mark.parametrize(
    "changed",
    [
        {"schema_version": 2},
        {"country": "IS"},
        {"country": None},
        {"network_hash": None, "device_hash": None, "country": None},
    ],
)
def test_it_refuses_an_old_event_with_later_columns(changed: dict[str, Any]) -> None:
    proof = proof_of(first_version_row)
    proof["event"].update(changed)

    with pytest.raises(check_proof.Wrong):
        check_proof.check(proof, public(KEY))


def edit(*where: Any, to: Any) -> Callable[[dict[str, Any]], None]:
    def change(proof: dict[str, Any]) -> None:
        place: Any = proof
        for step in where[:-1]:
            place = place[step]
        place[where[-1]] = to

    return change


@pytest.mark.parametrize(
    "change",
    [
        edit("event", "event_type", to="e6"),
        edit("event", "redacted", to=False),
        edit("event", "session_hash", to=""),
        edit("event", "more", to="x"),
        edit("event", "country", to=""),
        edit("event", "network_hash", to=None),
        lambda proof: proof["event"].pop("country"),
        edit("index", to=4),
        edit("path", 0, to="00" * 32),
        edit("seals", 0, "count", to=8),
        edit("seals", 0, "root", to="00" * 32),
        edit("seals", 0, "sealed_at", to=1),
        edit("seals", 0, "signature", to="00" * 64),
        edit("seals", 1, "previous", to="00" * 32),
        edit("seals", 1, "body", to='{"key_id":"two","public_key":"00"}'),
        edit("seals", 2, "key_id", to="three"),
        edit("seals", 2, "head", to="00" * 32),
        edit("format", to="chatsec.audit-proof/2"),
        lambda proof: proof["seals"].pop(1),
        lambda proof: proof["seals"].reverse(),
    ],
)
def test_it_refuses_a_proof_that_was_changed(
    proof: dict[str, Any], change: Callable[[dict[str, Any]], None]
) -> None:
    changed = copy.deepcopy(proof)
    change(changed)

    with pytest.raises((check_proof.Wrong, KeyError, ValueError)):
        check_proof.check(changed, public(KEY))


def test_it_refuses_another_key_and_another_head(proof: dict[str, Any]) -> None:
    with pytest.raises(check_proof.Wrong, match="signature"):
        check_proof.check(proof, public(NEXT_KEY))
    with pytest.raises(check_proof.Wrong, match="anchored"):
        check_proof.check(proof, None, "00" * 32)
    head = proof["seals"][-1]["head"]
    assert "anchored head" in check_proof.check(proof, None, head.upper())[-1]


def start_checker(file: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run the checker, alone with the standard library."""
    return subprocess.run(
        [sys.executable, "-I", "-S", check_proof.__file__, str(file), *words],
        capture_output=True,
        text=True,
        check=False,
    )


def run_checker(file: Path, *words: str) -> tuple[int, str]:
    """Return status and words of the checker."""
    done = start_checker(file, *words)
    assert not done.stderr
    return done.returncode, done.stdout


@pytest.mark.parametrize(
    ("text", "status"), [(None, 0), ("{}", 1), ("[]", 1), ("not json", 1)]
)
def test_it_runs_alone(
    proof: dict[str, Any], tmp_path: Path, text: str | None, status: int
) -> None:
    file = tmp_path / "proof.json"
    file.write_text(text or json.dumps(proof))

    done, said = run_checker(file)

    assert done == status, said


@pytest.mark.parametrize(
    "name", ["audit-proof-vector.json", "audit-proof-vector-1.json"]
)
def test_the_published_vectors_hold(name: str) -> None:
    place = Path(check_proof.__file__).parents[1] / "docs/reference"
    vector = json.loads((place / name).read_text())
    text = (place / "audit-proofs.md").read_text()

    assert check_proof.check(vector)
    leaf, head = vector["seals"][0]["root"], vector["seals"][0]["head"]
    assert f"[{name}]({name})" in text
    assert f"{leaf[:8]}...{leaf[-7:]}" in text
    assert f"{head[:8]}...{head[-8:]}" in text
    assert f"`{', '.join(canonical.COLUMNS[:3])}" in text


@pytest.mark.parametrize(
    "words",
    [
        ["--key", "abc"],
        ["--key", "00" * 31],
        ["--head", "x" * 64],
        ["--digest", "00"],
        ["--anchors", "there is none"],
    ],
)
def test_what_is_mistyped_is_no_wrong_proof(
    proof: dict[str, Any], tmp_path: Path, words: list[str]
) -> None:
    file = tmp_path / "proof.json"
    file.write_text(json.dumps(proof))

    done = start_checker(file, *words)

    assert done.returncode == 2
    assert "WRONG" not in done.stdout + done.stderr
    assert words[0] in done.stderr


def test_a_file_that_is_not_there_is_no_wrong_proof(tmp_path: Path) -> None:
    done = start_checker(tmp_path / "none.json")

    assert done.returncode == 2
    assert "none.json" in done.stderr


def places(document: object, before: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the way to every value of the document."""
    inside: list[tuple[Any, object]] = []
    if isinstance(document, dict):
        inside = list(document.items())
    elif isinstance(document, list):
        inside = list(enumerate(document))
    found = [(*before, key) for key, _ in inside]
    return found + [
        way for key, value in inside for way in places(value, (*before, key))
    ]


OTHERS = [None, [], {}, "", "zz", "00", "AA", -1, 2**70, True, 1.5, 1.0, [1], {"a": 1}]


def test_no_value_of_a_proof_can_be_another() -> None:
    """Also none that would be hashed alike: what a reader sees is what was sealed."""
    place = Path(check_proof.__file__).parents[1] / "docs/reference"
    vector = (place / "audit-proof-vector.json").read_text()
    proof = json.loads(vector)
    accepted = []
    for way in places(proof):
        for other in OTHERS:
            changed = json.loads(vector)
            place = changed
            for key in way[:-1]:
                place = place[key]
            if type(place[way[-1]]) is type(other) and place[way[-1]] == other:
                continue
            place[way[-1]] = other
            with contextlib.suppress(*check_proof.UNREADABLE):
                check_proof.check(changed)
                accepted.append((way, other))

    assert accepted == []


@pytest.mark.parametrize("content", [b"[" * 100_000, b"\xff", b"3", b"null"])
def test_what_is_no_proof_is_said_to_be_wrong(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "proof.json"
    path.write_bytes(content)

    status, said = run_checker(path)

    assert (status, said[:6]) == (1, "WRONG:")
