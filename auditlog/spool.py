"""Records on this machine's disk, for as long as there is no database to take them.

Each process appends to a file of its own; a record counts once the disk has it. Any
process may empty any file: a lock that ends with whoever holds it says that somebody is
at it, so files of a process that was killed are found like all others. What cannot be
read, or is refused for good, is put aside and stays until an operator has decided.

A record is four letters, length and CRC-32 of the body (four bytes each), and the body.
"""

from __future__ import annotations

import fcntl
import logging
import os
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Final

from django.conf import settings
from uuid_utils.compat import uuid7

from auditlog.errors import SpoolFull

logger = logging.getLogger(__name__)
MAGIC: Final = b"CSA1"
HEADER: Final = 12
DIRECTORY_MODE: Final = 0o700
FILE_MODE: Final = 0o600
SUFFIX: Final = ".spool"
# A file on its way to become one of the spool: nothing is in it yet.
DRAFT_SUFFIX: Final = ".new"


@dataclass(slots=True)
class Content:
    """What a file holds: whole records, damaged parts, and a tail that was cut off."""

    records: list[bytes] = field(default_factory=list)
    damaged: list[bytes] = field(default_factory=list)
    torn: int = 0


class Spool:
    """The records that wait in one directory; safe for threads, processes and forks."""

    def __init__(self, directory: Path, *, most_bytes: int) -> None:
        self.directory = directory
        self.aside = directory / "dead"
        self._most_bytes = most_bytes
        self._lock = threading.Lock()
        self._file: int | None = None
        self._owner = 0

    def append(self, body: bytes) -> None:
        """Have the record on disk, or raise SpoolFull or OSError and have nothing."""
        record = framed(body)
        with self._lock:
            self._make_directory(self.directory)
            if self.size() + len(record) > self._most_bytes:
                raise SpoolFull("The audit spool is full.")
            file = self._locked_file()
            try:
                _append_all(file, record)
            finally:
                fcntl.flock(file, fcntl.LOCK_UN)

    def put_aside(self, record: bytes) -> None:
        """Keep what nobody can use as it is, for an operator to look at."""
        self._make_directory(self.aside)
        file = os.open(self.aside / f"{uuid7()}{SUFFIX}", *_NEW)
        try:
            _append_all(file, record)
        finally:
            os.close(file)
        _sync_directory(self.aside)

    @contextmanager
    def taken(self, path: Path) -> Iterator[Content | None]:
        """Hold the file and its content; without an error it is gone afterwards.

        None while somebody else holds it, or if it is gone already.
        """
        try:
            file = os.open(path, os.O_RDONLY)
        except FileNotFoundError:
            yield None
            return
        try:
            # Without its name it is one that somebody else has just emptied.
            if not _is_locked_by_us(file) or not os.fstat(file).st_nlink:
                yield None
                return
            yield parsed(_whole(file))
            path.unlink(missing_ok=True)
            _sync_directory(path.parent)
        finally:
            os.close(file)

    def files(self) -> list[Path]:
        """Return the files with records that wait, the oldest first."""
        return _files_in(self.directory)

    def dead_files(self) -> list[Path]:
        """Return the files of what was put aside."""
        return _files_in(self.aside)

    def size(self) -> int:
        """Return how many bytes wait or were put aside."""
        return sum(_size(path) for path in [*self.files(), *self.dead_files()])

    def count(self) -> int:
        """Return how many whole records wait."""
        return sum(_count(path) for path in self.files())

    def _locked_file(self) -> int:
        """Return this process's file, to which nobody else does anything now."""
        if self._owner != os.getpid():
            # After a fork the parent goes on writing to the file that is open here.
            self._forget_file()
            self._owner = os.getpid()
        if self._file is not None:
            if _is_locked_by_us(self._file) and os.fstat(self._file).st_nlink:
                return self._file
            self._forget_file()
        self._file = self._new_locked_file()
        return self._file

    def _new_locked_file(self) -> int:
        """Return a file that nobody could empty before it was locked.

        It gets the name under which others look for files with the lock on it already.
        """
        path = self.directory / f"{uuid7()}-{os.getpid()}{SUFFIX}"
        draft = path.with_suffix(DRAFT_SUFFIX)
        file = os.open(draft, *_NEW)
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            draft.rename(path)
            _sync_directory(self.directory)
        except OSError:
            os.close(file)
            raise
        return file

    def _forget_file(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            os.close(file)

    @staticmethod
    def _make_directory(directory: Path) -> None:
        if not directory.is_dir():
            directory.mkdir(mode=DIRECTORY_MODE, parents=True, exist_ok=True)
            _sync_directory(directory.parent)


def audit_spool() -> Spool:
    """Return the spool of this installation."""
    return _spool(settings.CHATSEC_SPOOL_DIR, settings.CHATSEC_SPOOL_MAX_BYTES)


@lru_cache(maxsize=4)
def _spool(directory: Path, most_bytes: int) -> Spool:
    return Spool(directory, most_bytes=most_bytes)


_NEW: Final = (os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL, FILE_MODE)


def framed(body: bytes) -> bytes:
    """Return the body as a record."""
    return (
        MAGIC
        + len(body).to_bytes(4, "big")
        + zlib.crc32(body).to_bytes(4, "big")
        + body
    )


def parsed(content: bytes) -> Content:
    """Return what is in a file; after damage it goes on with the next whole record.

    A record that the file ends in was never acknowledged: its writer died over it.
    """
    found, at = Content(), 0
    while at < len(content):
        body = _body_at(content, at)
        if body is not None:
            found.records.append(body)
            at += HEADER + len(body)
            continue
        following = _next_whole(content, at + 1)
        if following is None and _is_cut_off(content, at):
            found.torn = len(content) - at
            break
        end = len(content) if following is None else following
        found.damaged.append(content[at:end])
        at = end
    return found


def _body_at(content: bytes, at: int) -> bytes | None:
    if content[at : at + 4] != MAGIC or at + HEADER > len(content):
        return None
    length = int.from_bytes(content[at + 4 : at + 8], "big")
    body = content[at + HEADER : at + HEADER + length]
    said = int.from_bytes(content[at + 8 : at + HEADER], "big")
    is_whole = len(body) == length and zlib.crc32(body) == said
    return body if is_whole else None


def _next_whole(content: bytes, start: int) -> int | None:
    at = content.find(MAGIC, start)
    while at >= 0 and _body_at(content, at) is None:
        at = content.find(MAGIC, at + 1)
    return at if at >= 0 else None


def _is_cut_off(content: bytes, at: int) -> bool:
    """Whether the file ends inside of the record that begins here."""
    header = content[at : at + HEADER]
    if len(header) < HEADER:
        return MAGIC.startswith(header[:4])
    length = int.from_bytes(header[4:8], "big")
    return header[:4] == MAGIC and at + HEADER + length > len(content)


def _append_all(file: int, record: bytes) -> None:
    """Write and wait for the disk; a part of a record does not stay."""
    before = os.fstat(file).st_size
    try:
        written = 0
        while written < len(record):
            written += os.write(file, record[written:])
        os.fsync(file)
    except OSError:
        os.ftruncate(file, before)
        raise


def _is_locked_by_us(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _whole(file: int) -> bytes:
    with os.fdopen(os.dup(file), "rb") as reader:
        return reader.read()


def _sync_directory(directory: Path) -> None:
    """Have the directory's names on disk as well."""
    file = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)


def _files_in(directory: Path) -> list[Path]:
    return sorted(directory.glob(f"*{SUFFIX}")) if directory.is_dir() else []


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _count(path: Path) -> int:
    try:
        return len(parsed(path.read_bytes()).records)
    except FileNotFoundError:
        return 0
