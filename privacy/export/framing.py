"""Files encrypted in frames, written and read in a stream.

STREAM construction (Hoang, Reyhanitabar, Rogaway, Vizár 2015) over AES-256-GCM: each
file has its own key, derived with a random salt; the nonce is the frame's number and
whether it is the last. Frames that are changed, moved, dropped or cut off do not open.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from chatsec.core.crypto import KEY_BYTES, DecryptionFailed

MAGIC = b"CSX1"
SALT_BYTES = 32
FRAME_BYTES = 64 * 1024
TAG_BYTES = 16


class EncryptingWriter:
    """A binary file that can only be appended to; what reaches `target` is sealed."""

    def __init__(self, target: BinaryIO, *, key: bytes, name: str) -> None:
        salt = os.urandom(SALT_BYTES)
        self._target = target
        self._cipher = _cipher(key, salt, name)
        self._buffer = bytearray()
        self._frames = 0
        self.written = 0
        target.write(MAGIC + salt)

    def write(self, data: bytes) -> int:
        """Take `data`; a frame leaves when it is full and another follows."""
        self._buffer += data
        self.written += len(data)
        while len(self._buffer) > FRAME_BYTES:
            self._emit(bytes(self._buffer[:FRAME_BYTES]), last=False)
            del self._buffer[:FRAME_BYTES]
        return len(data)

    def flush(self) -> None:
        """Do nothing: frames are of one size."""

    def finish(self) -> None:
        """Write the last frame, without which the file does not open."""
        self._emit(bytes(self._buffer), last=True)
        self._buffer.clear()
        self._target.flush()
        os.fsync(self._target.fileno())

    def _emit(self, frame: bytes, *, last: bool) -> None:
        nonce = _nonce(self._frames, last=last)
        self._target.write(self._cipher.encrypt(nonce, frame, None))
        self._frames += 1


def decrypted(source: BinaryIO, *, key: bytes, name: str) -> Iterator[bytes]:
    """Yield the plaintext by frames; raise DecryptionFailed at the first bad one."""
    if source.read(len(MAGIC)) != MAGIC:
        raise DecryptionFailed("unknown format")
    cipher = _cipher(key, source.read(SALT_BYTES), name)
    number = 0
    frame = source.read(FRAME_BYTES + TAG_BYTES)
    while True:
        following = source.read(FRAME_BYTES + TAG_BYTES)
        nonce = _nonce(number, last=not following)
        try:
            yield cipher.decrypt(nonce, frame, None)
        except InvalidTag as error:
            raise DecryptionFailed("the file was changed or cut off") from error
        if not following:
            return
        frame, number = following, number + 1


def decrypted_lines(source: BinaryIO, *, key: bytes, name: str) -> Iterator[bytes]:
    """Yield the plaintext line by line, without the line ends."""
    rest = b""
    for chunk in decrypted(source, key=key, name=name):
        *lines, rest = (rest + chunk).split(b"\n")
        yield from lines
    if rest:
        yield rest


def _cipher(key: bytes, salt: bytes, name: str) -> AESGCM:
    info = b"chatsec.export|" + name.encode()
    hkdf = HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=salt, info=info)
    return AESGCM(hkdf.derive(key))


def _nonce(number: int, *, last: bool) -> bytes:
    return number.to_bytes(11, "big") + bytes([last])
