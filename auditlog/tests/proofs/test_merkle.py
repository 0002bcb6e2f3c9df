"""Merkle trees as RFC 6962 and RFC 9162 have them."""

from __future__ import annotations

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditlog.proofs import merkle

# The inputs and roots of the trees of 0 to 8 leaves that RFC 6962's authors publish
# with their implementations.
INPUTS = [
    b"",
    b"\x00",
    b"\x10",
    b"\x20\x21",
    b"\x30\x31",
    b"\x40\x41\x42\x43",
    b"\x50\x51\x52\x53\x54\x55\x56\x57",
    b"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f",
]
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
LEAVES = [sha256(b"\x00" + each).digest() for each in INPUTS]


@pytest.mark.parametrize("size", range(9))
def test_it_has_the_published_roots(size: int) -> None:
    assert merkle.root(LEAVES[:size]).hex() == ROOTS[size]


@given(size=st.integers(1, 200), data=st.data())
def test_each_leaf_leads_to_the_root(size: int, data: st.DataObject) -> None:
    leaves = [sha256(bytes([each % 256])).digest() for each in range(size)]
    index = data.draw(st.integers(0, size - 1))
    path = merkle.path(leaves, index)

    found = merkle.root_from_path(leaves[index], index=index, size=size, path=path)

    assert found == merkle.root(leaves)


@given(size=st.integers(2, 64), data=st.data())
def test_another_leaf_or_place_leads_elsewhere(size: int, data: st.DataObject) -> None:
    leaves = [sha256(bytes([each])).digest() for each in range(size)]
    index = data.draw(st.integers(0, size - 1))
    other = data.draw(st.integers(0, size - 1).filter(lambda i: i != index))
    path = merkle.path(leaves, index)

    found = merkle.root_from_path(leaves[other], index=index, size=size, path=path)

    assert found != merkle.root(leaves)


def test_it_refuses_paths_that_do_not_fit() -> None:
    leaves = LEAVES[:5]
    path = merkle.path(leaves, 2)

    for wrong in (path[:-1], [*path, path[0]], []):
        with pytest.raises(ValueError, match="too"):
            merkle.root_from_path(leaves[2], index=2, size=5, path=wrong)
    with pytest.raises(ValueError, match="no leaf"):
        merkle.root_from_path(leaves[2], index=5, size=5, path=path)
    with pytest.raises(IndexError):
        merkle.path(leaves, 5)
