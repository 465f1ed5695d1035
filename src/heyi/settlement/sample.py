"""A sampled game: utilities of the coalitions of a plan, which follows from its seed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from heyi.crypto.canonical import Json, digest
from heyi.model.errors import InvalidInput
from heyi.settlement.game import check_players
from heyi.settlement.sampled import Plan, plan


@dataclass(frozen=True, kw_only=True)
class Sample:
    """`values[j]` is the utility of the plan's coalition j, `total` that of all, in `unit`."""

    players: tuple[str, ...]
    seed: int
    evaluations: int
    values: tuple[int, ...]
    total: int
    unit: str
    specification: Mapping[str, Json]

    def __post_init__(self) -> None:
        check_players(self.players)
        n, given = len(self.players), len(self.values)
        # Checked before the plan is drawn, so that a forged certificate cannot ask for a huge one.
        # A plan has all evaluations, or one less (coalitions come in pairs), or every coalition.
        if given not in (self.evaluations, self.evaluations - 1) and (
            n > 24 or given != (1 << n) - 2
        ):
            raise InvalidInput(f"{self.evaluations} evaluations are not {given} values")
        if len(self.values) != len(self.plan.coalitions):
            raise InvalidInput(
                f"{len(self.plan.coalitions)} coalitions need a value, not {len(self.values)}"
            )

    @cached_property
    def plan(self) -> Plan:
        """The plan; it follows from the number of players, seed and evaluations."""
        return plan(len(self.players), self.evaluations, self.seed)

    @cached_property
    def digest(self) -> str:
        """Binds the specification and every value."""
        return digest(self.to_json())

    def value_batch(self, masks: Sequence[int]) -> list[int]:
        """The utility of each coalition, in the order asked.

        Raises:
            InvalidInput: a coalition is not in the plan.
        """
        known = {0: 0, **dict(self.coalitions())}
        try:
            return [known[m] for m in masks]
        except KeyError as e:
            raise InvalidInput(
                f"coalition {e.args[0]:x} was not evaluated", hint="the plan does not hold it"
            ) from None

    def coalitions(self) -> Iterable[tuple[int, int]]:
        """The coalitions with their utilities, in the order of the plan; all players come last."""
        yield from zip(self.plan.masks(), self.values, strict=True)
        yield (1 << len(self.players)) - 1, self.total

    def to_json(self) -> dict[str, Json]:
        """Values as decimal text, since JSON numbers end at 2^53."""
        return {
            "kind": "sample",
            "players": list(self.players),
            "seed": str(self.seed),
            "evaluations": self.evaluations,
            "values": [str(v) for v in self.values],
            "total": str(self.total),
            "unit": self.unit,
            "specification": dict(self.specification),
        }


def sample_from_json(value: Json) -> Sample:
    """The inverse of `to_json`."""
    return Sample(
        players=tuple(value["players"]),
        seed=int(value["seed"]),
        evaluations=int(value["evaluations"]),
        values=tuple(map(int, value["values"])),
        total=int(value["total"]),
        unit=value["unit"],
        specification=value["specification"],
    )
