"""Valuation: how contributions will be measured, registered before the run.

`settlement/utility` explains the utilities. Models of coalitions are fitted exactly, or near: from
the institutions' own optima until no coefficient moves by 0.1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import combinations

from heyi.crypto.canonical import Json, digest
from heyi.federation.frequency import size_of
from heyi.federation.questions import is_masked
from heyi.federation.wire.operation import Operation
from heyi.model.errors import InvalidInput
from heyi.settlement.pot import Pot
from heyi.settlement.utility import CONCORDANCE, COVERAGE, INFORMATION, LIKELIHOOD, TABLE, UTILITIES

FITS = ("exact", "near")
EXACT, NEAR = FITS
MEASURED_BY = {
    COVERAGE: "tokens",
    LIKELIHOOD: "logistic",
    CONCORDANCE: "logistic",
    INFORMATION: "logistic",
}
"""The operation that measures each utility; a table judges a regression."""
MOST_MODELS = 14
"""Most institutions for which models of all coalitions (2^n - 1) are fitted."""
MOST_OF_TABLE = 10
_BASELINES = {
    COVERAGE: "no person is covered",
    LIKELIHOOD: "all coefficients zero, probability one half: the ridge fit of no data",
    CONCORDANCE: "every pair is a tie: the ridge fit of no data",
    INFORMATION: "what the ridge says of the coefficient",
    TABLE: "the table counts from zero",
}


def evaluation_digest(data: Mapping[str, str]) -> str:
    """The digest of the files that a utility is evaluated on; `data` has their digests by asset."""
    return digest(dict(sorted(data.items())))


@dataclass(frozen=True, slots=True, kw_only=True)
class Valuation:
    """A utility with its choices.

    `of` is the covariate of `information`. `strata` are names and weights in the order of the
    operation's classes. If `evaluations` is not 0, models of so many sampled coalitions are fitted,
    planned from `seed`; else models of all. `table` has the value of each coalition by its members,
    which are joined by a space in the order of their ids.
    """

    utility: str
    fits: str = EXACT
    of: str = ""
    strata: tuple[tuple[str, int], ...] = ()
    evaluations: int = 0
    seed: int = 0
    table: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.utility not in UTILITIES:
            raise InvalidInput(f"unknown utility `{self.utility}`", hint=" or ".join(UTILITIES))
        if self.fits not in FITS:
            raise InvalidInput(f"unknown fits `{self.fits}`", hint=" or ".join(FITS))
        for number in (
            self.evaluations,
            self.seed,
            *(w for _, w in self.strata),
            *self.table.values(),
        ):
            if type(number) is not int:
                raise InvalidInput(
                    f"evaluations, seed, weights and values are whole numbers, not {number!r}"
                )
        if not 0 <= self.seed < 1 << 53:
            raise InvalidInput(f"the seed {self.seed} is out of range", hint="from 0 to 2^53 - 1")
        if self.evaluations < 0 or any(weight < 1 for _, weight in self.strata):
            raise InvalidInput(
                "evaluations and weights are not below zero, and a stratum counts at least 1"
            )
        if self.evaluations and self.utility not in (LIKELIHOOD, CONCORDANCE):
            raise InvalidInput(f"`{self.utility}` needs no sample: it is valued exactly")
        if bool(self.of) != (self.utility == INFORMATION):
            raise InvalidInput(
                "`of` names the covariate of `information`, and of nothing else",
                hint='such as of = "age"',
            )
        if bool(self.table) != (self.utility == TABLE):
            raise InvalidInput(
                "a table goes with the utility `table`, and with nothing else",
                hint='write table = { "a" = 3, "b" = 2, "a b" = 4 }',
            )
        self._check_table()

    def _check_table(self) -> None:
        players = sorted({p for members in self.table for p in members.split()})
        if len(players) > MOST_OF_TABLE:
            raise InvalidInput(
                f"a table for {len(players)} players is too long",
                hint=f"at most {MOST_OF_TABLE}; members of a coalition are joined by a space",
            )
        for size in range(1, len(players) + 1):
            for members in combinations(players, size):
                if " ".join(members) not in self.table:
                    raise InvalidInput(
                        f"coalition `{' '.join(members)}` has no value", hint="write one for each"
                    )
        if len(self.table) > max((1 << len(players)) - 1, 0):
            raise InvalidInput(
                "a coalition of the table is not written in the order of ids, or is empty"
            )

    @property
    def operation(self) -> str:
        """The operation that measures it."""
        return MEASURED_BY.get(self.utility, "logistic")

    def specify(self, operation: Operation, pot: Pot, data: Mapping[str, str]) -> dict[str, Json]:
        """The specification that is registered before the run.

        It has the utility, its baseline, what it is evaluated on, who the players are, and the pot
        with its terms. `data` has the digest of each asset's file.

        Raises:
            InvalidInput: the operation cannot measure it.
        """
        self._check_operation(operation, pot)
        return {
            "utility": self.utility,
            "operation": operation.digest,
            "baseline": _BASELINES[self.utility],
            "evaluation": "complete cases of all institutions that take part",
            "evaluation_digest": evaluation_digest(data),
            "smallest_overlap": "sets of institutions that share fewer persons than the smallest "
            "cell count as none",
            "players": "holders of the data; those of one owner divide what their owner gets",
            "value": "Shapley value; of Owen and Winter where there are unions",
            "sums": operation.params.get("sums", "per-site"),
            **self._choices(),
            **pot.to_json(),
        }

    def _check_operation(self, operation: Operation, pot: Pot) -> None:
        if is_masked(operation) and self.utility != TABLE:
            raise InvalidInput(
                "contributions cannot be told from masked sums",
                hint="value coverage or a table, or have per-site sums",
            )
        if self.evaluations and (pot.owners or pot.levels):
            raise InvalidInput(
                "a sample knows neither owners nor levels",
                hint="let owners take part as one, or evaluate every coalition",
            )
        names = [c["kind"] for c in operation.params.get("covariates", ())]
        if self.of and self.of not in names:
            raise InvalidInput(f"`{self.of}` is no covariate", hint=f"one of {', '.join(names)}")
        classes = size_of(operation.params.get("strata", ()))
        if len(self.strata) != (classes if operation.params.get("strata") else 0):
            raise InvalidInput(
                f"the operation has {classes} strata and {len(self.strata)} have names and weights"
            )

    def _choices(self) -> dict[str, Json]:
        """The choices that this utility has; no others are registered."""
        if self.utility in (LIKELIHOOD, CONCORDANCE):
            sample = {"evaluations": self.evaluations, "seed": self.seed}
            return {"fits": self.fits, "sample": sample if self.evaluations else None}
        if self.utility == INFORMATION:
            return {"of": self.of}
        if self.utility == TABLE:
            # as text, since canonical JSON refuses integers above 2^53 - 1
            return {"table": {members: str(v) for members, v in sorted(self.table.items())}}
        return {"strata": [{"name": name, "weight": weight} for name, weight in self.strata]}
