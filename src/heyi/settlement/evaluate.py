"""Evaluation of a utility: each coalition of a plan once, by any number of workers, resumable.

Values are stored as soon as their chunk is done, under a key that binds specification and seed
(`key_of`). Another utility, evaluation set or seed has another key, so their values never mix.
Results are collected in the order of the masks, so the game has the same bytes whoever evaluated
it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Protocol

from heyi.crypto.canonical import digest
from heyi.model.errors import InvalidInput
from heyi.settlement.game import MOST_PLAYERS, Game, Utility
from heyi.settlement.sample import Sample
from heyi.settlement.sampled import plan

CHUNK = 16
MOST_DIGITS = 1_000
"""Digits of a utility at most: Python writes no more than 4,300, and values have more of them."""
_TOO_LARGE = 10**MOST_DIGITS
Evaluate = Callable[[Sequence[int]], list[int]]
"""The utilities of coalitions, in their order."""


class UtilityStore(Protocol):
    """The utilities that are known already. Entries are added and never changed."""

    def known(self, key: str) -> Mapping[int, int]:
        """Utilities by coalition."""

    def add(self, key: str, values: Mapping[int, int]) -> None:
        """Store more utilities durably.

        Raises:
            StoreError: they cannot be written, or a coalition is known with another value.
        """


class Executor(Protocol):
    """Runs `evaluate` over chunks; values come back in the order of the chunks."""

    def run(self, evaluate: Evaluate, chunks: Sequence[Sequence[int]]) -> Iterator[list[int]]: ...


class InTurn:
    """Runs one chunk after the other in this process."""

    def run(self, evaluate: Evaluate, chunks: Sequence[Sequence[int]]) -> Iterator[list[int]]:
        yield from map(evaluate, chunks)


class Nowhere:
    """A store in memory, for one run."""

    def __init__(self) -> None:
        self._known: dict[str, dict[int, int]] = {}

    def known(self, key: str) -> Mapping[int, int]:
        return self._known.get(key, {})

    def add(self, key: str, values: Mapping[int, int]) -> None:
        self._known.setdefault(key, {}).update(values)


def described(value: object, write: Callable[[object], str] = repr) -> str:
    """The text of a foreign object, at most 200 characters; only its type if writing it fails."""
    try:
        # `str.__str__` makes a plain text of one whose class has a `__format__` of its own.
        text = str.__str__(write(value))
    except KeyboardInterrupt:
        raise
    except BaseException:  # noqa: BLE001  the methods of a foreign class may raise anything
        return f"an unprintable {type.__dict__['__name__'].__get__(type(value))}"
    return text if len(text) <= 200 else f"{text[:199]}…"


def evaluate(
    utility: Utility,
    masks: Sequence[int],
    *,
    seed: int = 0,
    store: UtilityStore | None = None,
    executor: Executor | None = None,
    on_chunk: Callable[[int, int], None] = lambda _done, _all: None,
) -> dict[int, int]:
    """The utility of each coalition in `masks`; what the store knows is not evaluated again.

    Raises:
        InvalidInput: a utility is no whole number or has too many digits, or one is missing.
        StoreError: the store cannot be written.
    """
    store, executor = store or Nowhere(), executor or InTurn()
    key = key_of(utility, seed)
    known = dict(store.known(key))
    # mask 0 is never asked: the empty coalition is worth 0, since the baseline was subtracted
    missing = sorted({m for m in masks if m and m not in known})
    chunks = [missing[i : i + CHUNK] for i in range(0, len(missing), CHUNK)]
    done = 0
    for chunk, values in zip(chunks, executor.run(utility.value_batch, chunks), strict=True):
        if len(values) != len(chunk):
            raise InvalidInput(
                f"{len(chunk)} coalitions were asked and {len(values)} utilities came"
            )
        for mask, value in zip(chunk, values, strict=True):
            if type(value) is int and abs(value) < _TOO_LARGE:  # True is an int to `isinstance`
                continue
            who = ", ".join(p for i, p in enumerate(utility.players) if mask >> i & 1)
            if type(value) is int:
                raise InvalidInput(
                    f"the utility of {who} has more than {MOST_DIGITS:,} digits",
                    hint="give it in a larger unit",
                )
            raise InvalidInput(
                f"the utility of {who} is {described(value)}", hint="a whole number, in the unit"
            )
        # stored before the next chunk begins: an interruption loses one chunk at most
        store.add(key, dict(zip(chunk, values, strict=True)))
        known |= zip(chunk, values, strict=True)
        done += len(chunk)
        on_chunk(done, len(missing))
    return {m: known[m] if m else 0 for m in masks}


def key_of(utility: Utility, seed: int) -> str:
    """The key of stored values: a digest of players, unit, specification and seed."""
    return digest(
        {
            "players": list(utility.players),
            "unit": utility.unit,
            "specification": dict(utility.specification),
            "seed": str(seed),
        }
    )


def whole_game(
    utility: Utility,
    *,
    store: UtilityStore | None = None,
    executor: Executor | None = None,
    on_chunk: Callable[[int, int], None] = lambda _done, _all: None,
) -> Game:
    """The game of all coalitions.

    Raises:
        InvalidInput: too many players, or a utility is no whole number.
    """
    n = len(utility.players)
    if n > MOST_PLAYERS:
        raise InvalidInput(
            f"{n} players cannot be valued exactly",
            hint=f"evaluate a sample of {30 * n} coalitions: evaluations = {30 * n}, and a seed",
        )
    found = evaluate(utility, range(1 << n), store=store, executor=executor, on_chunk=on_chunk)
    return Game(
        players=tuple(utility.players),
        values=tuple(found[m] for m in range(1 << n)),
        unit=utility.unit,
        specification=utility.specification,
    )


def sampled_game(
    utility: Utility,
    evaluations: int,
    seed: int,
    *,
    store: UtilityStore | None = None,
    executor: Executor | None = None,
    on_chunk: Callable[[int, int], None] = lambda _done, _all: None,
) -> Sample:
    """The sampled game: utilities of a plan's coalitions; the plan follows from the seed.

    Raises:
        InvalidInput: the evaluations are too few, or a utility is no whole number.
    """
    n = len(utility.players)
    masks = [*plan(n, evaluations, seed).masks(), (1 << n) - 1]
    found = evaluate(utility, masks, seed=seed, store=store, executor=executor, on_chunk=on_chunk)
    return Sample(
        players=tuple(utility.players),
        seed=seed,
        evaluations=evaluations,
        values=tuple(found[m] for m in masks[:-1]),
        total=found[masks[-1]],
        unit=utility.unit,
        specification=utility.specification,
    )
