"""What an institution gains by false names and rows, without the guards and with them.

    python -m bench.gaming [--seeds 5]        (make gaming)

Eight institutions hold overlapping parts of a population. Contributions are measured in distinct
persons, and by the likelihood of a logistic model. One institution, or two with one owner, try:

- a copy of its records under a second name;
- the same with 5 % of the cells changed, identity numbers too;
- no declaration of a common owner;
- a split into two institutions;
- made-up rows.

The gain is what all its names get together, above its honest share. Before the guards each name is
a player. After them twins (two institutions with mostly the same persons) are joined and count each
person once, and the institutions of one owner, known from a registry, are one player.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from heyi.federation.regression import Design, Newton, Sums, sums
from heyi.settlement.certificate import settle_game
from heyi.settlement.coverage_game import CoverageGame, Stratum
from heyi.settlement.game import Game
from heyi.settlement.guards import REPORT, joined, twins
from heyi.settlement.pot import Pot

Array = Any
POT_FEN = 10**8
UTILITIES = ("coverage", "likelihood")
NAMES = tuple("abcdefgh")
ATTACKER, PARTNER, SECOND = "c", "d", "z"


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """An institution's n records.

    `persons`: n identity numbers. `x`: (n, k) covariates, first column 1. `y`: n outcomes, 0 or 1.
    """

    persons: Array
    x: Array
    y: Array

    def rows(self, chosen: Array) -> Held:
        return Held(persons=self.persons[chosen], x=self.x[chosen], y=self.y[chosen])

    def with_rows(self, other: Held) -> Held:
        pairs = ((self.persons, other.persons), (self.x, other.x), (self.y, other.y))
        persons, x, y = (np.concatenate(pair) for pair in pairs)
        return Held(persons=persons, x=x, y=y)


Sites = Mapping[str, Held]


@dataclass(frozen=True, slots=True, kw_only=True)
class Gain:
    """Gains in percent of the honest share, means over the seeds.

    `most`: the largest gain of any seed after the guards.
    """

    attack: str
    utility: str
    before: float
    after: float
    most: float


def county(seed: int) -> dict[str, Held]:
    """Eight institutions with 150 to 900 records of a population of 4,000, case mixes differ."""
    rng = np.random.default_rng(seed)
    age, risk = rng.normal(0, 1, 4_000), rng.normal(0, 1, (4_000, 3))
    eta = -0.5 + 0.8 * age + risk @ np.array([0.6, -0.4, 0.3])
    sick = (rng.random(4_000) < 1 / (1 + np.exp(-eta))) * 1.0
    sites = {}
    for i, name in enumerate(NAMES):
        weight = np.exp(0.3 * rng.normal() * age)
        persons = rng.choice(4_000, size=150 + 107 * i, replace=False, p=weight / weight.sum())
        x = np.column_stack([np.ones(len(persons)), age[persons], risk[persons]])
        sites[name] = Held(persons=persons, x=x, y=sick[persons])
    return sites


def copy(sites: Sites, rng: np.random.Generator, changed: float) -> dict[str, Held]:
    """The attacker's records under a second name too, with a share `changed` of new cells."""
    own = sites[ATTACKER]
    n = len(own.persons)
    x, y, persons = own.x.copy(), own.y.copy(), own.persons.copy()
    for j in range(1, x.shape[1]):
        x[:, j] = np.where(rng.random(n) < changed, rng.permutation(x[:, j]), x[:, j])
    y = np.where(rng.random(n) < changed, rng.permutation(y), y)
    persons = np.where(rng.random(n) < changed, 10_000 + np.arange(n), persons)
    return {**sites, SECOND: Held(persons=persons, x=x, y=y)}


def split(sites: Sites, rng: np.random.Generator) -> dict[str, Held]:
    """The attacker's records under two names, half of them under each."""
    own = sites[ATTACKER]
    order = rng.permutation(len(own.persons))
    half = len(order) // 2
    return {**sites, ATTACKER: own.rows(order[:half]), SECOND: own.rows(order[half:])}


def fabricated(sites: Sites, rng: np.random.Generator) -> dict[str, Held]:
    """The attacker adds half as many rows, of persons who do not exist.

    Each cell is drawn from its column, independent of the other cells of the row.
    """
    own = sites[ATTACKER]
    n = len(own.persons) // 2
    x = np.column_stack(
        [np.ones(n), *(rng.choice(own.x[:, j], n) for j in range(1, own.x.shape[1]))]
    )
    return {
        **sites,
        ATTACKER: own.with_rows(Held(persons=20_000 + np.arange(n), x=x, y=rng.choice(own.y, n))),
    }


def shares(sites: Sites, utility: str, pot: Pot) -> dict[str, int]:
    """What each name gets of the pot, in fen."""
    # Bit i of a mask is player i. `patterns` counts the persons that exactly these players hold.
    players = tuple(sorted(sites))
    seen: dict[int, int] = {}
    for i, p in enumerate(players):
        for person in set(sites[p].persons.tolist()):
            seen[person] = seen.get(person, 0) | 1 << i
    patterns: dict[int, int] = {}
    for mask in seen.values():
        patterns[mask] = patterns.get(mask, 0) + 1
    specification = pot.to_json()
    if utility == "coverage":
        stratum = Stratum(name="persons", weight=1, patterns=patterns)
        got = settle_game(
            CoverageGame(players=players, strata=(stratum,), specification=specification)
        )
    else:
        counted = sites if pot.twins == REPORT else count_once(sites, players, patterns)
        game = Game(
            players=players,
            values=likelihoods([counted[p] for p in players]),
            unit="piconats",
            specification=specification,
            overlap=patterns,
        )
        got = settle_game(game)
    return dict(zip(players, got.allocation.shares_fen, strict=True))


def count_once(
    sites: Sites, players: Sequence[str], patterns: Mapping[int, int]
) -> dict[str, Held]:
    """The sites with each common person of twins at one of them: even numbers here, odd there."""
    owners = joined({}, twins(players, patterns))
    found = dict(sites)
    for second, first in owners.items():
        both = np.intersect1d(sites[first].persons, sites[second].persons)
        for name, keep in ((first, 0), (second, 1)):
            left_out = both[both % 2 != keep]
            found[name] = found[name].rows(~np.isin(found[name].persons, left_out))
    return found


def likelihoods(held: Sequence[Held]) -> tuple[int, ...]:
    """The utility of every coalition by mask, 0 first, in piconats (1e-12).

    It is the log-likelihood of all records under the coalition's ridge model, minus that under the
    null model.
    """
    designs = [Design(x=h.x, y=h.y) for h in held]
    n, k = len(designs), designs[0].x.shape[1]
    member = (np.arange(1, 1 << n)[:, None] >> np.arange(n)) & 1
    # One Newton iteration for all coalitions at once: the sums of a coalition at its point are the
    # sums over its members, which are integers, so the order of addition does not matter.
    newton = Newton([[0] * k] * len(member), ridge_micro=1_000_000)
    while newton.open:
        chosen, at = member[newton.open], newton.points
        parts = [sums(d, at) for d in designs]
        newton.step(
            Sums(
                gradient=_total(
                    [chosen[:, [i]] * np.asarray(s.gradient, np.int64) for i, s in enumerate(parts)]
                ),
                information=_total(
                    [
                        chosen[:, [i]] * np.asarray(s.information, np.int64)
                        for i, s in enumerate(parts)
                    ]
                ),
                loglik=_total(
                    [chosen[:, i] * np.asarray(s.loglik, np.int64) for i, s in enumerate(parts)]
                ),
            )
        )
    models = np.vstack([np.zeros((1, k), dtype=np.int64), newton.beta])
    whole = _total([np.asarray(sums(d, models).loglik, np.int64) for d in designs])
    return tuple((whole - whole[0]).tolist())


def _total(parts: Sequence[Array]) -> Array:
    return np.add.reduce(list(parts))


def gains(seeds: int) -> list[Gain]:
    """Every attack, on every utility, with `seeds` populations."""
    plain, guarded = Pot(fen=POT_FEN, twins=REPORT), Pot(fen=POT_FEN)
    one = replace(guarded, owners={SECOND: ATTACKER})
    together = replace(guarded, owners={PARTNER: ATTACKER})
    # name, what is done, names of the attacker, pot for the honest share, pot after the guards
    attacks: list[
        tuple[str, Callable[[Sites, np.random.Generator], Sites], tuple[str, ...], Pot, Pot]
    ] = [
        (
            "an exact copy under a second name",
            lambda s, r: copy(s, r, 0.0),
            (ATTACKER, SECOND),
            guarded,
            guarded,
        ),
        (
            "a copy with 5 % of cells changed",
            lambda s, r: copy(s, r, 0.05),
            (ATTACKER, SECOND),
            guarded,
            guarded,
        ),
        ("a common owner is not declared", lambda s, _: s, (ATTACKER, PARTNER), together, together),
        ("one institution split in two", split, (ATTACKER, SECOND), guarded, one),
        ("half as many rows made up", fabricated, (ATTACKER,), guarded, guarded),
    ]
    found = []
    for attack, done, names, honestly, after in attacks:
        for utility in UTILITIES:
            before: list[float] = []
            after_guards: list[float] = []
            for seed in range(seeds):
                sites, rng = county(seed), np.random.default_rng(1000 + seed)
                honest = shares(sites, utility, honestly)
                due = sum(honest.get(p, 0) for p in names)
                tried = done(sites, rng)
                for pot, gained in ((plain, before), (after, after_guards)):
                    got = shares(tried, utility, pot)
                    gained.append(100 * (sum(got.get(p, 0) for p in names) / due - 1))
            found.append(
                Gain(
                    attack=attack,
                    utility=utility,
                    before=statistics.mean(before),
                    after=statistics.mean(after_guards),
                    most=max(after_guards),
                )
            )
    return found


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args(arguments)
    found = gains(chosen.seeds)
    if chosen.json:
        print(json.dumps([asdict(g) for g in found]))
    else:
        table = Table(
            "attack",
            "utility",
            "gain before",
            "after the guards",
            "at most",
            title="in % of the honest share",
        )
        for g in found:
            table.add_row(
                g.attack, g.utility, f"{g.before:+.1f}", f"{g.after:+.1f}", f"{g.most:+.1f}"
            )
        Console().print(table)
    return 0 if all(g.most <= 1 for g in found if g.attack.startswith("an exact copy")) else 1


if __name__ == "__main__":
    sys.exit(main())
