"""Merkle trees against published values and against the definitions of RFC 6962."""

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heyi.audit.log_store import STORED_LEVELS
from heyi.crypto.merkle import (
    Frontier,
    leaf_hash,
    node_hash,
    root_of,
    verify_consistency,
    verify_inclusion,
)
from heyi.crypto.stored_tree import StoredTree
from heyi.model.errors import InvalidInput, VerificationError
from tests.support.trees import StoredHashes, tree_over

LEAVES = [
    bytes.fromhex(leaf)
    for leaf in [
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    ]
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
# (index, size, path) and (old, new, path), published with Certificate Transparency like the roots
PATHS = [
    (0, 1, []),
    (0, 8, ["96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"]),
    (5, 8, ["bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"]),
    (2, 3, ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"]),
    (1, 5, ["6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"]),
]  # fmt: skip
CONSISTENCY = [
    (1, 1, []),
    (1, 8, ["96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"]),
    (6, 8, ["0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"]),
    (2, 5, ["5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"]),
]  # fmt: skip
LARGEST = 70
HASHES = [leaf_hash(n.to_bytes(2, "big")) for n in range(LARGEST)]
TREE = tree_over(HASHES)


def by_definition(hashes: list[bytes]) -> bytes:
    """MTH of RFC 6962 section 2.1, word for word."""
    if not hashes:
        return hashlib.sha256(b"").digest()
    if len(hashes) == 1:
        return hashes[0]
    k = 1
    while 2 * k < len(hashes):
        k *= 2
    return node_hash(by_definition(hashes[:k]), by_definition(hashes[k:]))


DEFINED = [by_definition(HASHES[:size]) for size in range(LARGEST + 1)]


@pytest.mark.parametrize("size", range(9))
def test_roots_are_the_published_ones(size: int) -> None:
    assert root_of([leaf_hash(leaf) for leaf in LEAVES[:size]]).hex() == ROOTS[size]


@pytest.mark.parametrize(("index", "size", "path"), PATHS)
def test_audit_paths_are_the_published_ones(index: int, size: int, path: list[str]) -> None:
    proof = tree_over(leaf_hash(leaf) for leaf in LEAVES).inclusion_proof(index, size)
    assert [p.hex() for p in proof] == path
    verify_inclusion(leaf_hash(LEAVES[index]), index, size, proof, bytes.fromhex(ROOTS[size]))


@pytest.mark.parametrize(("old", "new", "path"), CONSISTENCY)
def test_consistency_proofs_are_the_published_ones(old: int, new: int, path: list[str]) -> None:
    proof = tree_over(leaf_hash(leaf) for leaf in LEAVES).consistency_proof(old, new)
    assert [p.hex() for p in proof] == path
    verify_consistency(old, new, bytes.fromhex(ROOTS[old]), bytes.fromhex(ROOTS[new]), proof)


def test_every_root_is_the_defined_one_while_the_tree_grows() -> None:
    growing = Frontier()
    assert growing.root() == DEFINED[0]
    for size, hashed in enumerate(HASHES, start=1):
        growing.append(hashed)
        assert (growing.size, growing.root()) == (size, DEFINED[size])
    assert [TREE.root(size) for size in range(LARGEST + 1)] == DEFINED
    assert [root_of(HASHES[:size]) for size in range(LARGEST + 1)] == DEFINED


def test_a_copied_frontier_grows_apart() -> None:
    one = Frontier.of(3, tree_over(HASHES[:3]).frontier().hashes)
    other = one.copy()
    one.append(HASHES[3])
    other.append(HASHES[9])
    assert one.root() == DEFINED[4]
    assert other.root() == by_definition([*HASHES[:3], HASHES[9]])


@pytest.mark.parametrize(("size", "hashes"), [(3, 1), (4, 2), (0, 1), (-1, 1)])
def test_a_frontier_has_one_hash_for_each_full_subtree(size: int, hashes: int) -> None:
    with pytest.raises(InvalidInput, match="not made up of"):
        Frontier.of(size, HASHES[:hashes])


# --- trees that are stored: their rows end at 256 and 65,536 leaves ---

MANY = [leaf_hash(n.to_bytes(4, "big")) for n in range(65_538)]
STORED = StoredHashes(MANY)
EDGES = [1, 2, 255, 256, 257, 511, 512, 513, 65_535, 65_536, 65_537, 65_538]


@pytest.fixture(scope="module")
def defined() -> dict[int, bytes]:
    return {size: by_definition(MANY[:size]) for size in EDGES}


@pytest.mark.parametrize("size", EDGES)
def test_a_stored_tree_has_the_defined_root_and_grows_on(
    size: int, defined: dict[int, bytes]
) -> None:
    tree = StoredTree(STORED, size)
    frontier = tree.frontier()
    assert tree.root() == frontier.root() == defined[size]
    for hashed in MANY[size : size + 300]:
        frontier.append(hashed)
    assert frontier.root() == StoredTree(STORED, frontier.size).root()


@pytest.mark.parametrize("size", EDGES)
def test_a_stored_tree_proves_entries_and_prefixes_of_few_hashes(
    size: int, defined: dict[int, bytes]
) -> None:
    for n in {0, 1, 254, 255, 256, 511, 512, 65_279, 65_280, size // 2, size - 1} & set(
        range(size)
    ):
        before = STORED.read
        proof = StoredTree(STORED, size).inclusion_proof(n)
        assert STORED.read - before <= 4 * 256
        verify_inclusion(MANY[n], n, size, proof, defined[size])
    for old in (edge for edge in EDGES if edge <= size):
        before = STORED.read
        proof = StoredTree(STORED, size).consistency_proof(old)
        assert STORED.read - before <= 4 * 256
        verify_consistency(old, size, defined[old], defined[size], proof)


@settings(max_examples=30, deadline=None)
@given(st.integers(1, len(MANY)), st.data())
def test_any_entry_and_prefix_of_a_stored_tree_is_proven(size: int, data: st.DataObject) -> None:
    tree, n = StoredTree(STORED, size), data.draw(st.integers(0, size - 1))
    verify_inclusion(MANY[n], n, size, tree.inclusion_proof(n), tree.root())
    old = tree.root(n + 1)
    verify_consistency(n + 1, size, old, tree.root(), tree.consistency_proof(n + 1))


def test_full_subtrees_are_told_when_their_last_leaf_comes() -> None:
    frontier, told = Frontier(), {}
    for n, hashed in enumerate(MANY):
        for level, index, root in frontier.append(hashed):
            assert n + 1 == (index + 1) << level
            told[level, index] = root
    assert told.keys() == {(8, n) for n in range(256)} | {(16, 0)}
    assert {level for level, _ in told} <= set(STORED_LEVELS)
    assert told[8, 1] == by_definition(MANY[256:512])
    assert told[16, 0] == by_definition(MANY[:65_536])


def test_a_store_that_lacks_hashes_is_told() -> None:
    with pytest.raises(VerificationError, match="lacks hashes of the entries 65536 to 65538"):
        StoredTree(STORED, len(MANY) + 1).root()


def test_every_leaf_is_included_in_every_size() -> None:
    for size in range(1, LARGEST + 1):
        for index in range(size):
            verify_inclusion(
                HASHES[index], index, size, TREE.inclusion_proof(index, size), DEFINED[size]
            )


def test_every_prefix_is_consistent_with_every_size() -> None:
    for new in range(1, LARGEST + 1):
        for old in range(1, new + 1):
            verify_consistency(
                old, new, DEFINED[old], DEFINED[new], TREE.consistency_proof(old, new)
            )


@st.composite
def altered(draw: st.DrawFn, proof: list[bytes]) -> list[bytes]:
    """The proof with an element changed, left out, doubled, added, or two in another order."""
    at = draw(st.integers(0, max(len(proof) - 1, 0)))
    ways = [[*proof, HASHES[0]], [HASHES[0], *proof]]
    if proof:
        flipped = bytearray(proof[at])
        flipped[draw(st.integers(0, 31))] ^= 1 << draw(st.integers(0, 7))
        ways += [[*proof[:at], bytes(flipped), *proof[at + 1 :]], proof[:at] + proof[at + 1 :]]
        ways += [[*proof[:at], proof[at], *proof[at:]]]
    if len(proof) > 1:
        ways += [proof[::-1]]
    return draw(st.sampled_from(ways))


SIZES = st.integers(1, LARGEST)


@given(SIZES, st.data())
def test_an_altered_inclusion_proof_fails(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    proof = TREE.inclusion_proof(index, size)
    with pytest.raises(VerificationError):
        verify_inclusion(HASHES[index], index, size, data.draw(altered(proof)), DEFINED[size])


@given(SIZES, SIZES, st.integers(-1, LARGEST), st.data())
def test_an_inclusion_proof_is_for_one_leaf_place_and_tree(
    size: int, other: int, place: int, data: st.DataObject
) -> None:
    index = data.draw(st.integers(0, size - 1))
    proof = TREE.inclusion_proof(index, size)
    if place != index:
        with pytest.raises(VerificationError):
            verify_inclusion(HASHES[index], place, size, proof, DEFINED[size])
    if other != size:
        with pytest.raises(VerificationError):
            verify_inclusion(HASHES[index], index, size, proof, DEFINED[other])
        # A root is valid only together with its size.
        with pytest.raises(VerificationError):
            verify_inclusion(HASHES[index], index, other, proof, DEFINED[other])
    with pytest.raises(VerificationError):
        verify_inclusion(leaf_hash(b"another"), index, size, proof, DEFINED[size])


@given(SIZES, SIZES, st.data())
def test_an_altered_consistency_proof_fails(one: int, two: int, data: st.DataObject) -> None:
    old, new = sorted((one, two))
    proof = TREE.consistency_proof(old, new)
    with pytest.raises(VerificationError):
        verify_consistency(old, new, DEFINED[old], DEFINED[new], data.draw(altered(proof)))


@given(SIZES, SIZES, st.integers(0, LARGEST + 1))
def test_a_consistency_proof_is_for_two_trees(one: int, two: int, other: int) -> None:
    old, new = sorted((one, two))
    proof = TREE.consistency_proof(old, new)
    strange = leaf_hash(b"another log")
    with pytest.raises(VerificationError):
        verify_consistency(old, new, strange, DEFINED[new], proof)
    with pytest.raises(VerificationError):
        verify_consistency(old, new, DEFINED[old], strange, proof)
    if other not in (old, new):
        root = DEFINED[other] if other <= LARGEST else strange
        with pytest.raises(VerificationError):
            verify_consistency(other, new, root, DEFINED[new], proof)
        with pytest.raises(VerificationError):
            verify_consistency(old, other, DEFINED[old], root, proof)


def test_a_leaf_is_no_node() -> None:
    """Without the prefixes, a node could be presented as a leaf (RFC 6962 section 2.1)."""
    assert leaf_hash(HASHES[0] + HASHES[1]) != node_hash(HASHES[0], HASHES[1])


@pytest.mark.parametrize(("index", "size"), [(-1, 5), (5, 5), (0, 0), (0, LARGEST + 1)])
def test_no_path_is_made_outside_the_log(index: int, size: int) -> None:
    with pytest.raises(InvalidInput, match=f"entry {index} is not in a log of {size} entries"):
        TREE.inclusion_proof(index, size)


@pytest.mark.parametrize(("old", "size"), [(0, 5), (6, 5), (-1, 5), (1, LARGEST + 1)])
def test_no_proof_is_made_of_what_is_no_prefix(old: int, size: int) -> None:
    with pytest.raises(InvalidInput, match=f"no prefix of {old}"):
        TREE.consistency_proof(old, size)
