from concurrent.futures import ThreadPoolExecutor

from argon2 import extract_parameters
from argon2.low_level import Type

from accounts import hashers
from accounts.hashers import Argon2idHasher

PASSWORD = "correct horse battery staple"


def test_it_hashes_with_argon2id_at_the_cost_that_was_chosen():
    hasher = Argon2idHasher()

    encoded = hasher.encode(PASSWORD, hasher.salt())

    found = extract_parameters(encoded.removeprefix("argon2"))
    assert (found.type, found.memory_cost, found.time_cost, found.parallelism) == (
        Type.ID,
        19456,
        2,
        1,
    )
    assert hasher.verify(PASSWORD, encoded)
    assert not hasher.verify(PASSWORD + "!", encoded)


def test_it_computes_at_most_four_hashes_at_once(monkeypatch):
    running, most = [], []

    def watched(self, password, salt):
        running.append(1)
        most.append(len(running))
        encoded = original(self, password, salt)
        running.pop()
        return encoded

    original = hashers.Argon2PasswordHasher.encode
    monkeypatch.setattr(hashers.Argon2PasswordHasher, "encode", watched)
    with ThreadPoolExecutor(12) as pool:
        list(
            pool.map(lambda _: Argon2idHasher().encode(PASSWORD, "somesalt"), range(24))
        )

    assert max(most) <= 4
