"""Evidence about the fairness of a settlement, from its certificate alone: as data, in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from heyi.crypto.canonical import Json
from heyi.crypto.codec import VALUE_DIGITS, to_fraction
from heyi.report.measures import known_unit, shown, unit_short
from heyi.settlement.certificate import Measured, integers, verify_certificate
from heyi.settlement.coverage_game import CoverageGame, coverage_values
from heyi.settlement.game import Game
from heyi.settlement.guards import JOIN, MOST, baseline, lowered, overlaps, stability, twins
from heyi.settlement.sample import Sample
from heyi.settlement.sampled import halves

_PAIRS_IN_WORDS = 10


def fairness_of(certificate: Json) -> dict[str, Any]:
    """The evidence of one certificate, which is computed again first.

    Raises:
        VerificationError: the certificate does not follow from its own content.
    """
    measured = verify_certificate(certificate)
    phi = [to_fraction(x, digits=VALUE_DIGITS) for x in certificate["phi"]]
    intervals = zip(
        measured.players, certificate["intervals"] or [], strict=bool(certificate["intervals"])
    )
    # a sample has no value for every coalition, and a large game has too many to compare
    values = None
    if isinstance(measured, Game):
        values = integers(measured)
    elif isinstance(measured, CoverageGame) and len(measured.players) <= MOST:
        values = np.array(coverage_values(measured.weighted, len(measured.players)))
    lowers = {} if values is None else dict(zip(measured.players, lowered(values), strict=True))
    return {
        "study": certificate["study"],
        "overlaps": _overlaps(measured),
        "dual_core": None if values is None else _dual_core(measured, values, phi),
        "unit": unit_short(measured.unit).en
        if known_unit(measured.unit)
        else measured.unit.rpartition(" ")[2],
        "lowers": {p: float(part) for p, part in lowers.items()},
        "unsure": [p for p, (low, high) in intervals if low <= 0 <= high],
        "seed": _by_halves(measured) if isinstance(measured, Sample) else {},
        "baseline": [
            {"party": b.player, "part": float(b.part), "raised": float(b.raised)}
            for b in baseline(measured.players, phi)
        ],
    }


def _overlaps(measured: Measured) -> list[dict[str, Json]]:
    """Pairs of institutions that hold the same persons, and whether they were joined as twins."""
    overlap = {} if isinstance(measured, Sample) else measured.overlap or {}
    joined = set()
    if measured.specification.get("twins", JOIN) == JOIN:
        joined = {(t.a, t.b) for t in twins(measured.players, overlap)}
    return [
        {
            "a": t.a,
            "b": t.b,
            "shared": t.shared,
            "of_a": t.of_a,
            "of_b": t.of_b,
            "part": float(t.part),
            "joined": (t.a, t.b) in joined,
        }
        for t in overlaps(measured.players, overlap)
    ]


def _dual_core(
    measured: Measured, values: npt.NDArray[Any], phi: list[Fraction]
) -> dict[str, Json] | None:
    """The coalition that gets most above its own value; None for too many players."""
    if not 2 <= len(phi) <= MOST:
        return None
    found = stability(measured.players, values, phi)
    excess = (
        shown(found.excess, measured.unit)
        if known_unit(measured.unit)
        else float(found.excess / 10 ** measured.specification.get("decimals", 0))
    )
    return {"members": list(found.members), "excess": excess, "holds": found.holds}


def _by_halves(measured: Sample) -> dict[str, list[float]]:
    """Each player's part of all contributions, estimated from each half of the sampling plan."""
    values = np.array(measured.values, dtype=np.float64)
    if not measured.total:
        return {}
    parts = [phi / measured.total for phi in halves(measured.plan, values, float(measured.total))]
    return {p: [float(half[i]) for half in parts] for i, p in enumerate(measured.players)}


def in_words(evidence: Mapping[str, Json]) -> Iterator[str]:
    """The evidence of one settlement in words, Chinese beside English, line by line."""
    yield f"{evidence['study']}（{evidence['unit']}）"
    yield from _overlaps_in_words(evidence["overlaps"])
    yield _dual_core_in_words(evidence["dual_core"])
    yield from _parties_in_words(evidence)


def _overlaps_in_words(pairs: Sequence[Mapping[str, Json]]) -> Iterator[str]:
    for pair in pairs[:_PAIRS_IN_WORDS]:
        yield (
            f"  {pair['a']} · {pair['b']}: "
            f"共有 {pair['shared']:,} 人，占两家人数的 {pair['part']:.0%}；"
            f"{pair['shared']:,} persons are held by both, "
            f"{pair['part']:.0%} of those that either holds "
            f"({pair['of_a']:,} and {pair['of_b']:,})"
        )
        if pair["joined"]:
            yield (
                "    几乎相同，按登记作为同一归属计值 "
                "nearly the same: valued as one owner, as registered"
            )
    if (more := len(pairs) - _PAIRS_IN_WORDS) > 0:
        yield f"  另有 {more} 对，见 --json；and {more} more pairs, see --json"
    if not pairs:
        yield "  没有共有的人员，或人员未作关联 no shared persons, or persons were not linked"


def _dual_core_in_words(core: Mapping[str, Json] | None) -> str:
    if core is None:
        return (
            "  抽样或机构过多，不比较各组合的单独所值 "
            "a sample, or too many institutions to compare coalitions"
        )
    if core["holds"]:
        return "  没有组合所得多于其单独所值 no coalition gets more than it is worth by itself"
    return (
        f"  {', '.join(core['members'])} 合计所得比其单独所值多 {core['excess']:,.6g}，"
        f"因为与他人合用才有价值；together they get {core['excess']:,.6g} more "
        "than they are worth by themselves: their data are worth more with the others'"
    )


def _parties_in_words(evidence: Mapping[str, Json]) -> Iterator[str]:
    """What may surprise about single institutions; differences below 1 % are left out."""
    for party, part in evidence["lowers"].items():
        if part:
            yield (
                f"  {party}: 在 {part:.0%} 的组合中使效用降低；"
                f"it lowers the utility of {part:.0%} of the coalitions that it joins"
            )
    for party in evidence["unsure"]:
        yield f"  {party}: 贡献与零无法区分 its contribution cannot be told from zero"
    for party, (first, second) in evidence["seed"].items():
        if abs(first - second) >= 0.01:
            yield (
                f"  {party}: 按抽样计划的两半分别估计，"
                f"占全体贡献 {first:.1%} 与 {second:.1%}；"
                f"{first:.1%} and {second:.1%} of all contributions "
                "by either half of the plan, as another seed might"
            )
    for row in evidence["baseline"]:
        if abs(row["raised"] - row["part"]) >= 0.01:
            yield (
                f"  {row['party']}: 占全体贡献 {row['part']:.1%}，"
                f"若登记的基线高出总效用的一成则为 {row['raised']:.1%}；"
                f"{row['part']:.1%} of all contributions, {row['raised']:.1%} "
                "if the registered baseline were higher by a tenth of everything"
            )
