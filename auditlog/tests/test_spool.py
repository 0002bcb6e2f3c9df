"""Records on disk: whole or not at all, whoever dies, and each taken once."""

from __future__ import annotations

import os
import resource
import signal
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditlog.errors import SpoolFull
from auditlog.spool import Spool, framed, parsed

BODIES = st.lists(st.binary(max_size=40), min_size=1, max_size=6)


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool(tmp_path / "spool", most_bytes=100_000)


def drained(spool: Spool) -> list[bytes]:
    """Take everything, as somebody who writes it elsewhere does."""
    found = []
    for path in spool.files():
        with spool.taken(path) as content:
            if content is not None:
                found += content.records
    return found


def test_what_was_appended_is_taken_once(spool: Spool) -> None:
    bodies = [b"one", b"", b"three" * 100]
    for body in bodies:
        spool.append(body)
    assert spool.count() == 3

    assert drained(spool) == bodies
    assert drained(spool) == []
    assert spool.files() == []


def test_it_goes_on_after_its_file_was_taken(spool: Spool) -> None:
    spool.append(b"one")
    assert drained(spool) == [b"one"]

    spool.append(b"two")

    assert drained(spool) == [b"two"]


def test_only_the_owner_can_read_it(spool: Spool) -> None:
    spool.append(b"one")
    spool.put_aside(b"two")

    places = [spool.directory, spool.aside, *spool.files(), *spool.dead_files()]
    modes = [stat.S_IMODE(place.stat().st_mode) for place in places]
    assert modes == [0o700, 0o700, 0o600, 0o600]


def test_a_file_stays_if_its_taker_fails(spool: Spool) -> None:
    spool.append(b"one")
    (path,) = spool.files()

    with pytest.raises(ZeroDivisionError), spool.taken(path):
        raise ZeroDivisionError

    assert drained(spool) == [b"one"]


def test_a_file_that_somebody_takes_is_left_to_him(spool: Spool) -> None:
    spool.append(b"one")
    (path,) = spool.files()
    other = Spool(spool.directory, most_bytes=100_000)

    with spool.taken(path):
        with other.taken(path) as content:
            assert content is None
        spool.append(b"two")

    assert drained(spool) == [b"two"]
    with spool.taken(path) as content:
        assert content is None


def test_it_refuses_more_than_it_may_hold_and_keeps_the_rest(tmp_path: Path) -> None:
    spool = Spool(tmp_path, most_bytes=100)
    spool.append(b"x" * 50)

    with pytest.raises(SpoolFull):
        spool.append(b"y" * 50)
    spool.append(b"z")

    assert drained(spool) == [b"x" * 50, b"z"]


def test_a_full_disk_leaves_no_half_record(spool: Spool) -> None:
    spool.append(b"one")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (40, before[1]))
    try:
        with pytest.raises(OSError, match="too large"):
            spool.append(b"y" * 5_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    spool.append(b"two")

    assert drained(spool) == [b"one", b"two"]


@given(bodies=BODIES, cut=st.integers(0, 300))
def test_a_torn_tail_costs_nothing_before_it(bodies: list[bytes], cut: int) -> None:
    whole = b"".join(framed(body) for body in bodies)
    cut = min(cut, len(whole))

    found = parsed(whole[: len(whole) - cut])

    assert found.records == bodies[: len(found.records)]
    assert found.damaged == []
    lost = bodies[len(found.records) :]
    assert sum(len(framed(body)) for body in lost) == cut + found.torn


@given(bodies=BODIES, at=st.integers(0), bit=st.integers(0, 7))
def test_damage_loses_only_what_is_damaged(
    bodies: list[bytes], at: int, bit: int
) -> None:
    whole = bytearray(b"".join(framed(body) for body in bodies))
    at %= len(whole)
    whole[at] ^= 1 << bit

    found = parsed(bytes(whole))

    assert len(found.records) >= len(bodies) - 1
    assert all(record in bodies for record in found.records)
    kept = sum(len(framed(body)) for body in found.records)
    # Not one byte is lost in silence.
    assert kept + sum(map(len, found.damaged)) + found.torn == len(whole)


@given(st.binary(max_size=200))
def test_any_bytes_are_read(content: bytes) -> None:
    found = parsed(content)

    kept = sum(len(framed(body)) for body in found.records)
    assert kept + sum(map(len, found.damaged)) + found.torn == len(content)


def test_threads_and_takers_at_once_lose_and_double_nothing(spool: Spool) -> None:
    wanted = [f"{thread}-{n}".encode() for thread in range(4) for n in range(25)]

    def write(thread: int) -> None:
        for n in range(25):
            spool.append(f"{thread}-{n}".encode())

    found: list[bytes] = []
    with ThreadPoolExecutor(4) as pool:
        writing = [pool.submit(write, thread) for thread in range(4)]
        other = Spool(spool.directory, most_bytes=100_000)
        while not all(each.done() for each in writing):
            found += drained(other)
    for each in writing:
        each.result()

    found += drained(other)
    assert sorted(found) == sorted(wanted)


def test_a_taker_that_never_rests_keeps_nobody_from_writing(spool: Spool) -> None:
    over = threading.Event()

    def take() -> list[bytes]:
        found: list[bytes] = []
        while not over.is_set():
            found += drained(Spool(spool.directory, most_bytes=100_000))
        return found

    with ThreadPoolExecutor(3) as pool:
        taking = [pool.submit(take) for _ in range(3)]
        for n in range(300):
            spool.append(f"{n}".encode())
        over.set()
    found = [body for each in taking for body in each.result()] + drained(spool)

    assert sorted(found) == sorted(f"{n}".encode() for n in range(300))


def test_a_child_has_a_file_of_its_own(spool: Spool) -> None:
    spool.append(b"parent")
    if not (child := os.fork()):
        spool.append(b"child")
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    spool.append(b"parent")

    assert len(spool.files()) == 2
    assert sorted(drained(spool)) == [b"child", b"parent", b"parent"]


WRITER = """
import sys
from pathlib import Path
from auditlog.spool import Spool
spool, n = Spool(Path(sys.argv[1]), most_bytes=10_000_000), 0
while True:
    spool.append(b"%d" % n)
    print(n, flush=True)
    n += 1
"""


@pytest.fixture
def writer(spool: Spool) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", WRITER, str(spool.directory)]
    environment = {**os.environ, "PYTHONPATH": os.getcwd()}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env=environment
    ) as process:
        yield process
        process.kill()


def test_what_a_killed_process_acknowledged_is_there(
    spool: Spool, writer: subprocess.Popen[str]
) -> None:
    assert writer.stdout is not None
    acknowledged = [writer.stdout.readline() for _ in range(50)]
    writer.send_signal(signal.SIGKILL)
    acknowledged += writer.stdout.read().splitlines()

    found = [int(body) for body in drained(spool)]

    assert found == list(range(len(found)))
    # One may have been on disk before it could be said.
    assert len(acknowledged) <= len(found) <= len(acknowledged) + 1
