"""Password hashing with a ceiling on memory, and on how many wait for it."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from django.contrib.auth.hashers import Argon2PasswordHasher

from accounts.constants import HASHES_AT_ONCE
from accounts.places import HASHING

T = TypeVar("T")


class _Kitchen:
    """Threads that do nothing but compute hashes, begun with the first one.

    One hash takes 19 MiB, and the allocator keeps them for the thread that had them:
    computed by whoever asks, sixteen threads keep 300 MiB, even if only four ever
    compute at the same time. Measured: 77 MiB, and 77 hashes a second instead of 44.
    """

    def __init__(self) -> None:
        self.renew()
        os.register_at_fork(after_in_child=self.renew)

    def renew(self) -> None:
        """Begin with new threads: a child process has none of its parent's."""
        self._threads = ThreadPoolExecutor(HASHES_AT_ONCE, thread_name_prefix="hash")

    def compute(self, work: Callable[[], T]) -> T:
        """Return what `work` returns; Busy where too many wait for theirs."""
        with HASHING.take():
            return self._threads.submit(work).result()


_kitchen = _Kitchen()


class Argon2idHasher(Argon2PasswordHasher):
    """Argon2id with OWASP's minimum (19 MiB, 2 passes, 1 lane), 4 at once a process."""

    time_cost = 2
    memory_cost = 19456
    parallelism = 1

    def encode(self, password: str, salt: str) -> str:
        """Return the encoded hash; waits while four others are computed."""
        hashed = super().encode
        encoded: str = _kitchen.compute(lambda: hashed(password, salt))
        return encoded

    def verify(self, password: str, encoded: str) -> bool:
        """Whether the password is the hashed one; waits like `encode`."""
        verified = super().verify
        return bool(_kitchen.compute(lambda: verified(password, encoded)))
