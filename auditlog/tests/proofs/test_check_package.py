"""The stand-alone checker and the evidence of incidents: what it takes, what not."""

from __future__ import annotations

import contextlib
import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from auditlog import check_proof
from auditlog.check_proof import Outside
from auditlog.proofs import canonical, chain, merkle
from auditlog.services import packing
from auditlog.tests.proofs.test_check_proof import (
    KEY,
    NEXT_KEY,
    OTHERS,
    edit,
    header,
    places,
    public,
    row,
    run_checker,
    seal,
    spelled,
)

Package = dict[str, Any]
INCIDENT = str(UUID(int=42))


def item(n: int, **standing: Any) -> dict[str, Any]:
    event = {name: spelled(value) for name, value in row(n).items()}
    not_sealed: Package = {
        "standing": "waiting",
        "seal": None,
        "index": None,
        "path": [],
    }
    return {"event": event, **not_sealed, **standing}


def in_seal(n: int, *, number: int, first: int) -> dict[str, Any]:
    """Return an event as one of the five of a seal, which begins with `first`."""
    path = merkle.path(leaves(first), n - first)
    steps = [step.hex() for step in path]
    return item(n, standing="sealed", seal=number, index=n - first, path=steps)


def leaves(first: int) -> list[bytes]:
    return [canonical.leaf(list(row(n).values())) for n in range(first, first + 5)]


def events_header(number: int, previous: bytes, first: int, **more: Any) -> Any:
    root = merkle.root(leaves(first))
    kind = chain.Kind.EVENTS
    return header(number, previous, kind=kind, count=5, root=root, **more)


@pytest.fixture
def package() -> Package:
    """Return evidence of two stretches of the chain, with a new key between them."""
    named = {"key_id": "two", "public_key": public(NEXT_KEY)}
    first = events_header(4, chain.GENESIS, 0)
    last = header(5, first.head())
    change = header(
        8, b"\x01" * 32, kind=chain.Kind.KEY, body=json.dumps(named).encode()
    )
    late = events_header(20, b"\x02" * 32, 10, key_id="two")
    seals = [seal(first, KEY), seal(last, KEY), seal(change, KEY), seal(late, NEXT_KEY)]
    held = [
        in_seal(1, number=4, first=0),
        in_seal(3, number=4, first=0),
        in_seal(12, number=20, first=10),
        item(30),
        item(31, standing="unknown"),
    ]
    anchor = {"number": 5, "head": seals[1]["head"], "sink": "file:", "anchored_at": 7}
    return signed_off(
        {
            "format": "chatsec.incident-evidence/1",
            "manifest": {
                "made_at": 1_800_000_000_000_000,
                "incident": INCIDENT,
                "events": 5,
                "sealed": 3,
                "waiting": 1,
                "unknown": 1,
                "seals": 4,
                "anchors": 1,
                "timeline": 1,
                "alerts": 0,
                "left_out": {"events": 2, "timeline": 0, "alerts": 0},
            },
            "incident": {
                "id": INCIDENT,
                "label": "INC-1",
                "title": "Nobody\x1b[2J",
                "severity": "error",
                "state": "open",
                "timeline": [{"kind": "note", "text": "é", "facts": {"ratio": 1.5}}],
                "incident_alerts": [],
            },
            "public_key": public(KEY),
            "events": held,
            "seals": seals,
            "anchors": [anchor],
        }
    )


def signed_off(package: Package) -> Package:
    """Return it with the digest of what it holds now, as a forger would."""
    return {**package, "digest": packing.digest_of(package)}


def test_it_says_of_each_event_how_far_it_is_proven(package: Package) -> None:
    heads = {each["number"]: each["head"] for each in package["seals"]}

    said = check_proof.check_package(package, Outside(public(KEY), [heads[20].upper()]))

    assert said[0].startswith("Evidence of INC-1, Nobody?[2J, error, open")
    assert said[1] == "Left out: 2 events, 0 lines of the timeline, 0 alerts."
    shown = [line.partition(": ")[2] for line in said[2:7]]
    assert shown == [
        f"proven, leaf 1 of seal 4, up to head {heads[5]} of seal 5: compare it",
        f"proven, leaf 3 of seal 4, up to head {heads[5]} of seal 5: compare it",
        f"proven, leaf 2 of seal 20, up to your head {heads[20]} of seal 20",
        "NOT PROVEN: not sealed yet when this was made",
        "NOT PROVEN: no seal has it, though its time is sealed",
    ]
    assert said[7].startswith("3 of 5 events are proven, 1 of them up to a head that")


def test_heads_of_a_file_are_compared_by_their_numbers(package: Package) -> None:
    other = {"number": 99, "head": "00" * 32}
    mine = [
        {"number": each["number"], "head": each["head"]} for each in package["seals"]
    ]

    said = check_proof.check_package(package, Outside(anchors=[other, mine[1]]))
    assert sum("your head" in line for line in said) == 2
    with pytest.raises(check_proof.Wrong, match="another head"):
        check_proof.check_package(
            package, Outside(anchors=[{**mine[3], "head": mine[1]["head"]}])
        )


@pytest.mark.parametrize(
    ("outside", "says"),
    [
        (Outside(key=public(NEXT_KEY)), "another key"),
        (Outside(heads=["00" * 32]), "anchored head"),
        (Outside(digest="00" * 32), "the digest that you gave"),
    ],
)
def test_what_the_reader_knows_better_counts(
    package: Package, outside: Outside, says: str
) -> None:
    with pytest.raises(check_proof.Wrong, match=says):
        check_proof.check_package(package, outside)


Change = Callable[[Package], object]
DAMAGES: dict[str, Change] = {
    "an event's type": edit("events", 0, "event", "event_type", to="e9"),
    "an event's spelling": edit("events", 0, "event", "event_id", to="0" * 31 + "1"),
    "a column more": edit("events", 3, "event", "more", to="x"),
    "an event of another place": edit("events", 0, "index", to=2),
    "an event of another seal": edit("events", 0, "seal", to=20),
    "a seal that is not there": edit("events", 0, "seal", to=7),
    "true for a number": edit("events", 0, "index", to=True),
    "a sealed event without a place": edit("events", 0, "seal", to=None),
    "a place for what is not sealed": edit("events", 3, "index", to=1),
    "a standing that is none": edit("events", 3, "standing", to="proven"),
    "not sealed, said to be": edit("events", 3, "standing", to="sealed"),
    "a word more of an event": edit("events", 3, "note", to="x"),
    "an event left away": lambda package: package["events"].pop(0),
    "an event twice": lambda package: package["events"].__setitem__(
        1, copy.deepcopy(package["events"][0])
    ),
    "a path cut short": lambda package: package["events"][0]["path"].pop(),
    "a hash in capitals": lambda package: package["events"][0]["path"].__setitem__(
        0, package["events"][0]["path"][0].upper()
    ),
    "another root": edit("seals", 0, "root", to="00" * 32),
    "another time of a seal": edit("seals", 0, "sealed_at", to=1),
    "another signature": edit("seals", 1, "signature", to="00" * 64),
    "the change of key left away": lambda package: package["seals"].pop(2),
    "a gap within a stretch": edit("seals", 1, "previous", to="00" * 32),
    "seals in another order": lambda package: package["seals"].reverse(),
    "another anchor": edit("anchors", 0, "head", to="00" * 32),
    "an anchor of no seal": edit("anchors", 0, "number", to=6),
    "an anchor without a time": edit("anchors", 0, "anchored_at", to="today"),
    "another incident": edit("manifest", "incident", to=str(UUID(int=43))),
    "a count in the manifest": edit("manifest", "events", to=4),
    "a count of another type": edit("manifest", "alerts", to=False),
    "left out, in words": edit("manifest", "left_out", "events", to="many"),
    "a line of the timeline": lambda package: package["incident"]["timeline"].pop(),
    "a part more": edit("more", to=1),
    "a part less": lambda package: package.pop("anchors"),
    "no seals": edit("seals", to=[]),
    "events that are none": edit("events", to=[None] * 5),
    "another key, in capitals": lambda package: package.__setitem__(
        "public_key", package["public_key"].upper()
    ),
    "another key": edit("public_key", to="00" * 32),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_it_refuses_what_was_damaged_and_signed_off_again(
    package: Package, name: str
) -> None:
    DAMAGES[name](package)

    with pytest.raises(check_proof.UNREADABLE):
        check_proof.check_package(signed_off(package), Outside(public(KEY)))


def test_signed_seals_that_are_no_chain_are_refused(package: Package) -> None:
    """Two histories under one key: the second does not lead to the first's head."""
    forked = seal(header(5, b"\x07" * 32), KEY)
    package["seals"][1] = forked
    package["anchors"][0]["head"] = forked["head"]

    with pytest.raises(check_proof.Wrong, match="does not follow"):
        check_proof.check_package(signed_off(package), Outside())


def test_no_value_can_be_another_under_the_same_digest(package: Package) -> None:
    accepted = []
    for way in places(package):
        for other in OTHERS:
            changed = place = copy.deepcopy(package)
            for key in way[:-1]:
                place = place[key]
            if type(place[way[-1]]) is type(other) and place[way[-1]] == other:
                continue
            place[way[-1]] = other
            with contextlib.suppress(*check_proof.UNREADABLE):
                check_proof.check_package(changed, Outside())
                accepted.append((way, other))

    assert accepted == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"alerts":0', '"alerts":-0'),
        ('"made_at":18', '"made_at":1,"made_at":18'),
        ('"ratio":1.5', '"ratio":1.50'),
        ('"ratio":1.5', '"ratio":NaN'),
        ('"ratio":1.5', '"ratio":15e-1'),
        ('"left_out":{"events":2', '"left_out":{"events":2.0'),
    ],
)
def test_a_file_has_one_spelling(
    package: Package, tmp_path: Path, old: str, new: str
) -> None:
    file = tmp_path / "evidence.json"
    text = json.dumps(package, separators=(",", ":"))
    file.write_text(text)
    assert run_checker(file)[0] == 0
    assert old in text
    file.write_text(text.replace(old, new, 1))

    status, said = run_checker(file)

    assert (status, said[:6]) == (1, "WRONG:")
