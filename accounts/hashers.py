"""Password hashing with a ceiling on memory."""

from threading import BoundedSemaphore

from django.contrib.auth.hashers import Argon2PasswordHasher

# One hash takes 19 MiB. Without a ceiling, parallel sign-ins are a way to exhaust the
# process (measured: 1.5 GB with the framework's defaults).
_hashing = BoundedSemaphore(4)


class Argon2idHasher(Argon2PasswordHasher):
    """Argon2id with OWASP's minimum (19 MiB, 2 passes, 1 lane), 4 at once a process."""

    time_cost = 2
    memory_cost = 19456
    parallelism = 1

    def encode(self, password: str, salt: str) -> str:
        """Return the encoded hash; waits while four others are computed."""
        with _hashing:
            encoded: str = super().encode(password, salt)
            return encoded

    def verify(self, password: str, encoded: str) -> bool:
        """Whether the password is the hashed one; waits like `encode`."""
        with _hashing:
            return bool(super().verify(password, encoded))
