"""Operations: the names of what a node can run, with parameters that a permit fixes by digest.

    frequency   counts of records by class
                {"by": [{"kind": "sex"}, {"kind": "age", "cuts": [45, 60]}]}
    logistic    sums for Newton steps of a logistic regression
                {"outcome": {"kind", "above_micro"}, "ridge_micro": 1000000,
                 "covariates": [{"kind", "center_micro", "scale_micro"}]}
                with "sums": "masked", the sums leave an institution only masked among others
    tokens      keyed linkage tokens of persons with complete records
                {"complete": ["age", "sex"]}
                with "strata": [{"kind": "age", "cuts": [65]}], tokens by class

Requests travel, code does not: a node runs only what its institution installed. Parameters are
integers; `micro` means millionths.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

from heyi.crypto.canonical import Json, digest
from heyi.model.errors import InvalidInput

CANNOT_COMPUTE = "cannot-compute"
"""The code of a refusal: the operation has no result on these data."""
NAMES = ("frequency", "logistic", "tokens")


@dataclass(frozen=True, kw_only=True)
class Operation:
    """A named operation with its parameters.

    Raises:
        InvalidInput: the name is unknown, or a parameter is missing or out of range.
    """

    name: str
    params: dict[str, Json] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.name not in NAMES:
            raise InvalidInput(
                f"unknown operation `{self.name}`", hint=f"one of {', '.join(NAMES)}"
            )
        # `kinds` reads every place that names a field, so it refuses incomplete parameters
        if not self.kinds:
            raise InvalidInput(f"operation `{self.name}` reads no field")
        for axis in (*self.params.get("by", ()), *self.params.get("strata", ())):
            cuts = axis.get("cuts", [])
            if not isinstance(cuts, list) or not all(
                isinstance(c, int | float) and c == c  # a NaN is not equal to itself
                for c in cuts
            ):
                raise InvalidInput(
                    f"the cuts of `{axis['kind']}` are numbers", hint="cuts = [45, 65]"
                )
        if self.name == "logistic":
            p = self.params
            numbers = [p.get("ridge_micro"), p["outcome"].get("above_micro", 0)]
            for c in p["covariates"]:
                numbers += [c.get("center_micro"), c.get("scale_micro")]
            if not all(isinstance(n, int) and not isinstance(n, bool) for n in numbers):
                raise InvalidInput("the parameters of `logistic` are whole numbers of millionths")
            if p.get("sums", "per-site") not in ("per-site", "masked"):
                raise InvalidInput(f"sums are `per-site` or `masked`, not `{p['sums']}`")
            if p["ridge_micro"] < 0 or any(c["scale_micro"] <= 0 for c in p["covariates"]):
                raise InvalidInput(
                    "`logistic` needs scales above zero and a ridge that is not below it"
                )

    @cached_property
    def digest(self) -> str:
        return digest({"name": self.name, "params": self.params})

    @property
    def kinds(self) -> tuple[str, ...]:
        """Kinds of fields that the operation reads, each once, in the order of the parameters."""
        p = self.params
        try:
            match self.name:
                case "frequency":
                    names = [axis["kind"] for axis in p["by"]]
                case "logistic":
                    names = [p["outcome"]["kind"], *(c["kind"] for c in p["covariates"])]
                case _:
                    names = [*p["complete"], *(axis["kind"] for axis in p.get("strata", ()))]
        except (KeyError, TypeError):
            raise InvalidInput(f"the parameters of `{self.name}` are incomplete") from None
        return tuple(dict.fromkeys(names))

    def to_json(self) -> dict[str, Json]:
        return {"name": self.name, "params": self.params}


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A node's no, which is an answer: a code, and the reason in both languages."""

    code: str
    zh: str
    en: str
