"""Random settlements, each divided to the fen: pots, floors, groups, negatives, samples, true-ups.

    python -m bench.settlements [--number 1000000] [--seed 1]        (make settlements)

Each settlement must sum to its pot, pay nobody less than zero, pay nothing for no contribution, and
claim nothing back. The first that fails is printed and ends the run with exit code 1.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from fractions import Fraction
from random import Random

import numpy as np

from heyi.model.errors import InvalidInput
from heyi.settlement.allocate import Allocation, Negatives, Policy, allocate, interim
from heyi.settlement.exact import shapley_of_integers


def settlement(rng: Random) -> tuple[str, str]:
    """Draw a settlement and divide its pot; returns its kind and what is wrong ("" if nothing)."""
    n = rng.randrange(1, 11)
    players = [f"p{i}" for i in range(n)]
    phi = _values(rng, n)
    pot = rng.choice((1, 2, n, 99, 10**6, 10**11)) + rng.randrange(10**4)
    policy = _policy(rng, players)
    try:
        if rng.random() < 0.1:
            low = [p - Fraction(rng.randrange(100), 10) for p in phi]
            high = [p + Fraction(rng.randrange(100), 10) for p in phi]
            first = interim(pot, players, low, high, policy)
            if wrong := _wrong(first, pot):
                return "interim", wrong
            # raises where the floors cannot be kept at all: then nothing is settled
            allocate(pot, players, phi, policy)
            paid = dict(zip(players, first.shares_fen, strict=True))
            whole = allocate(pot, players, phi, policy, paid=paid)
            if any(b < a for a, b in zip(first.shares_fen, whole.shares_fen, strict=True)):
                return "true-up", "something is claimed back"
            return "true-up", _wrong(whole, pot)
        got = allocate(pot, players, phi, policy)
    except InvalidInput as e:
        return "refused", "" if "too little" in e.message or "floors" in e.message else e.message
    if wrong := _wrong(got, pot):
        return "exact", wrong
    for player, share, value in zip(players, got.shares_fen, phi, strict=True):
        if value <= 0 and share:
            return "exact", f"{player} contributed nothing and gets {share}"
    return "exact", ""


def _wrong(got: Allocation, pot: int) -> str:
    """What is wrong with an allocation of `pot` fen; "" where nothing is."""
    if sum(got.shares_fen) + got.escrow_fen != pot:
        return f"{sum(got.shares_fen)} and {got.escrow_fen} are not {pot}"
    if min(got.shares_fen) < 0 or got.escrow_fen < 0:
        return "less than nothing is paid"
    return ""


def _values(rng: Random, n: int) -> list[Fraction]:
    """Shapley values: of a random game, or small, of many denominators, extreme, or all equal."""
    if n <= 4 and rng.random() < 0.05:
        values = (0, *(rng.randrange(-(10**9), 10**12) for _ in range((1 << n) - 1)))
        return list(shapley_of_integers(np.array(values)))
    kind = rng.randrange(4)
    if kind == 0:
        return [Fraction(rng.randrange(100)) for _ in range(n)]
    if kind == 1:
        return [Fraction(rng.randrange(-50, 100), rng.randrange(1, 5_355_343)) for _ in range(n)]
    if kind == 2:
        return [Fraction(rng.choice((0, 1, 10**15))) for _ in range(n)]
    return [Fraction(1, n)] * n


def _policy(rng: Random, players: list[str]) -> Policy:
    floors = {p: Fraction(rng.randrange(1, 12), 20) for p in players if rng.random() < 0.2}
    group = (
        frozenset(p for p in players if rng.random() < 0.3) if rng.random() < 0.4 else frozenset()
    )
    return Policy(
        floors=floors,
        floors_at_most=Fraction(rng.randrange(1, 5), 4),
        group=group,
        group_floor=Fraction(rng.randrange(0, 5), 10) if group else Fraction(0),
        negatives=rng.choice(list(Negatives)),
    )


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--number", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args(arguments)
    kinds: Counter[str] = Counter()
    begun = time.perf_counter()
    for i in range(chosen.number):
        kind, wrong = settlement(Random(chosen.seed * 10**9 + i))
        if wrong:
            print(f"settlement {i} of seed {chosen.seed} ({kind}): {wrong}")
            return 1
        kinds[kind] += 1
    seconds = time.perf_counter() - begun
    print(
        json.dumps(
            {
                "settlements": chosen.number,
                "of": dict(sorted(kinds.items())),
                "seconds": round(seconds, 1),
            }
        )
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
