"""Certificates: a settlement together with all its inputs, so that a stranger can recompute it.

The specification is what was registered before the run. The utilities are under a Merkle root
(RFC 6962, one leaf for each coalition), so one of them can be shown without the others. Values,
pot and division follow from these two; `heyi settle verify` computes them and needs nothing else.
The bytes are canonical JSON: the same game gives the same bytes, however many workers measured it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from heyi.crypto.canonical import Json, canonical
from heyi.crypto.codec import VALUE_DIGITS, to_fraction
from heyi.crypto.merkle import leaf_hash, root_of
from heyi.model.errors import InvalidInput, VerificationError
from heyi.settlement.allocate import Allocation, allocate, interim, policy_from_json
from heyi.settlement.coverage_game import CoverageGame, coverage_from_json
from heyi.settlement.game import Game, game_from_json
from heyi.settlement.guards import twins
from heyi.settlement.owners import value_by_unions
from heyi.settlement.pot import union_paths
from heyi.settlement.sample import Sample, sample_from_json
from heyi.settlement.sampled import estimate
from heyi.settlement.uncertainty import share_intervals

FORMAT = "heyi-settlement/1"
Measured = Game | Sample | CoverageGame
_COMPUTED = (
    "measured",
    "root",
    "phi",
    "low",
    "high",
    "intervals",
    "paid_fen",
    "shares_fen",
    "escrow_fen",
)
_FIELDS = {"format", "study", *_COMPUTED}
_DIGITS, _ROUNDING = 9, 20
"""A sample's values have nine digits below the first digit of its largest utility. Computed again,
they may differ by 20 units of the last digit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """A game's values in its unit, each between `low` and `high`; all three are equal if exact.

    `intervals` are for each player's share of all contributions, in millionths: the uncertainty
    that comes from the records of the evaluation. None if they are not known.
    """

    phi: tuple[Fraction, ...]
    low: tuple[Fraction, ...]
    high: tuple[Fraction, ...]
    intervals: tuple[tuple[int, int], ...] | None
    allocation: Allocation


def settle_game(measured: Measured, paid: Mapping[str, int] | None = None) -> Settled:
    """Value a game and divide its registered pot under its registered policy.

    Exact values divide the whole pot. Values from a sample divide what is certain; the rest is
    escrow. `paid` gives the fen that players already got from the pot.

    Raises:
        InvalidInput: pot or policy cannot be divided, or utilities are absent.
    """
    registered = measured.specification
    _check_registered(measured)
    pot, policy = registered["pot_fen"], policy_from_json(registered["policy"])
    if isinstance(measured, Sample):
        if paid or any(union_paths(registered, measured.players)):
            raise InvalidInput(
                "a sample neither trues up nor knows unions",
                hint="evaluate every coalition of owners",
            )
        step = _step(measured)
        try:
            # no warnings: a sum that overflows becomes infinity, which is no fraction
            with np.errstate(over="ignore", invalid="ignore"):
                found = estimate(
                    measured.plan,
                    np.array(measured.values, dtype=np.float64),
                    float(measured.total),
                )
            phi, low, high = (_rounded(end, step) for end in (found.phi, found.low, found.high))
        except (ArithmeticError, ValueError):  # a number beyond 1.8e308, or what came of one
            raise InvalidInput(
                "the utilities are too large for a sample", hint="give them in a larger unit"
            ) from None
        due = interim(pot, measured.players, low, high, policy)
        return Settled(phi=phi, low=low, high=high, intervals=None, allocation=due)
    paths = union_paths(
        registered, measured.players, twins(measured.players, measured.overlap or {})
    )
    moments: Sequence[Sequence[int | Fraction]] | None
    if isinstance(measured, CoverageGame):
        phi, moments = measured.value(paths), measured.moments(paths)
    else:
        phi, moments = (
            value_by_unions(integers(measured), paths),
            None if any(paths) else measured.moments,
        )
    intervals = None if moments is None else share_intervals(phi, moments)
    due = allocate(pot, measured.players, phi, policy, paid=paid)
    return Settled(phi=phi, low=phi, high=phi, intervals=intervals, allocation=due)


def _step(measured: Sample) -> Fraction:
    """The unit of a sample's last digit: a power of ten, nine digits below its largest utility."""
    largest = max(map(abs, (*measured.values, measured.total)), default=0)
    return Fraction(10) ** (len(str(max(largest, 1))) - 1 - _DIGITS)


def _rounded(values: np.ndarray[Any, Any], step: Fraction) -> tuple[Fraction, ...]:
    # the last bits of floating sums differ between processors; nine digits hardly ever do
    return tuple(round(Fraction(x) / step) * step for x in values.tolist())


def _check_registered(measured: Measured) -> None:
    """Check that plan and strata are the registered ones, if the specification names them.

    Raises:
        InvalidInput: it is another plan, or other strata.
    """
    if isinstance(measured, Sample):
        drawn = {"evaluations": measured.evaluations, "seed": measured.seed}
        if measured.specification.get("sample", drawn) != drawn:
            raise InvalidInput("the sample is of another plan than was registered")
    if isinstance(measured, CoverageGame) and "strata" in measured.specification:
        named = measured.specification["strata"] or [{"name": "persons", "weight": 1}]
        if named != [{"name": s.name, "weight": s.weight} for s in measured.strata]:
            raise InvalidInput("the strata are others than were registered")


def integers(game: Game) -> np.ndarray[Any, Any]:
    """The utilities of a game by mask, as int64 if they fit and as Python integers otherwise."""
    # below 2^62, so that the difference of two utilities fits as well
    small = max(map(abs, game.values), default=0) < 1 << 62
    return np.array(game.values, dtype=np.int64 if small else object)


def certify(
    study: str, measured: Measured, paid: Mapping[str, int] | None = None
) -> dict[str, Json]:
    """The certificate of a study's settlement.

    `shares_fen` is what each player gets in total, `paid_fen` the part of it that was paid before.

    Raises:
        InvalidInput: pot or policy cannot be divided, or utilities are absent.
    """
    settled = settle_game(measured, paid)
    return {
        "format": FORMAT,
        "study": study,
        "measured": measured.to_json(),
        "root": utility_root(measured),
        "phi": [str(p) for p in settled.phi],
        "low": [str(p) for p in settled.low],
        "high": [str(p) for p in settled.high],
        "intervals": None
        if settled.intervals is None
        else [list(ends) for ends in settled.intervals],
        "paid_fen": dict(sorted((paid or {}).items())),
        "shares_fen": dict(zip(measured.players, settled.allocation.shares_fen, strict=True)),
        "escrow_fen": settled.allocation.escrow_fen,
    }


def utility_root(measured: Measured) -> str:
    """The Merkle root over the utilities, in hexadecimal; see `utility_leaf`."""
    return root_of([leaf_hash(utility_leaf(m, v)) for m, v in measured.coalitions()]).hex()


def utility_leaf(mask: int, value: int) -> bytes:
    """One leaf's bytes: the coalition's mask in hexadecimal, a space, its utility in decimal."""
    return f"{mask:x} {value}".encode()


def measured_from_json(value: Json) -> Measured:
    """What was measured, as a certificate holds it."""
    kinds: dict[str, Callable[[Json], Measured]]
    kinds = {"game": game_from_json, "sample": sample_from_json, "coverage": coverage_from_json}
    return kinds[value["kind"]](value)


def verify_certificate(certificate: Json) -> Measured:
    """Compute a settlement again from its certificate alone; return what was measured.

    Exact values must be identical. Values of a sample come from floating arithmetic, and another
    processor may round them differently, near the ninth digit of the largest utility; so much
    is accepted. The division must follow exactly from the values that the certificate gives.

    Raises:
        VerificationError: it is no certificate, or a part does not follow; the message names it.
    """
    form = (
        isinstance(certificate, dict)
        and set(certificate) == _FIELDS
        and certificate["format"] == FORMAT
    )
    if not form or not isinstance(certificate["study"], str):
        raise VerificationError(f"this is no certificate of the format {FORMAT}")
    try:
        measured = measured_from_json(certificate["measured"])
        again = certify(certificate["study"], measured, certificate["paid_fen"] or None)
        if isinstance(measured, Sample):
            _adopt(certificate, again, measured)
    except (KeyError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError) as e:
        raise VerificationError(f"the certificate is malformed: {e!r}") from None
    except InvalidInput as e:
        raise VerificationError(f"the certificate cannot be computed again: {e.message}") from None
    # compared as canonical bytes, since Python takes 1 and True for equal
    for field in _COMPUTED:
        if canonical(certificate[field]) != canonical(again[field]):
            raise VerificationError(f"the certificate recomputes to another `{field}`")
    return measured


def _adopt(certificate: Mapping[str, Json], again: dict[str, Json], measured: Sample) -> None:
    """Take over sampled values that differ only by rounding, and the division that follows."""
    step = _step(measured)
    for field in ("phi", "low", "high"):
        said, computed = (_values(c[field]) for c in (certificate, again))
        near = all(abs(a - b) <= _ROUNDING * step for a, b in zip(said, computed, strict=True))
        # one text for each fraction: `2/4` for `1/2` would be another certificate of the same study
        if near and certificate[field] == [str(x) for x in said]:
            again[field] = certificate[field]
    low, high = (_values(again[field]) for field in ("low", "high"))
    registered = measured.specification
    due = interim(
        registered["pot_fen"], measured.players, low, high, policy_from_json(registered["policy"])
    )
    again["shares_fen"] = dict(zip(measured.players, due.shares_fen, strict=True))
    again["escrow_fen"] = due.escrow_fen


def _values(texts: Sequence[Json]) -> list[Fraction]:
    return [to_fraction(text, digits=VALUE_DIGITS) for text in texts]
