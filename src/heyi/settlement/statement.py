"""Statements: what an institution gets to know about a settlement, to recompute and dispute it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from heyi.crypto.canonical import Json, digest
from heyi.crypto.codec import VALUE_DIGITS, to_fraction, to_json
from heyi.model.decision import Text
from heyi.settlement.certificate import Measured, integers
from heyi.settlement.coverage_game import CoverageGame
from heyi.settlement.game import Game
from heyi.settlement.guards import JOIN, Twin, twins
from heyi.settlement.pot import union_paths
from heyi.settlement.sample import Sample


def yuan(fen: int) -> str:
    """An amount in fen as yuan with two decimals and thousands separators."""
    sign = "-" if fen < 0 else ""
    return f"{sign}{abs(fen) // 100:,}.{abs(fen) % 100:02d}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One institution's statement of one study.

    `contribution` is its value in `unit`; it lies between `low` and `high`, which differ only if a
    sample of coalitions was evaluated. `interval` is for its share of all contributions, in
    millionths: the uncertainty from the records of the evaluation. `alone` is what its data add to
    nothing, `last` what they add to the data of all others, `total` the utility of all together.
    `strata` has its value in each stratum, and `why` explains the contribution in words. It can be
    disputed until `disputes_until`, Unix time in seconds. `certificate` is a digest.
    """

    party: str
    study: str
    pot_fen: int
    share_fen: int
    paid_fen: int
    interim: bool
    contribution: Fraction
    low: Fraction
    high: Fraction
    interval: tuple[int, int] | None
    alone: int
    last: int
    total: int
    unit: str
    strata: Mapping[str, Fraction]
    why: Text
    certificate: str
    disputes_until: int

    def to_json(self) -> dict[str, Json]:
        return {
            "party": self.party,
            "study": self.study,
            "pot_fen": self.pot_fen,
            "share_fen": self.share_fen,
            "paid_fen": self.paid_fen,
            "interim": self.interim,
            "contribution": str(self.contribution),
            "low": str(self.low),
            "high": str(self.high),
            "interval": None if self.interval is None else list(self.interval),
            "alone": str(self.alone),
            "last": str(self.last),
            "total": str(self.total),
            "unit": self.unit,
            "strata": {name: str(part) for name, part in self.strata.items()},
            "why": to_json(self.why),
            "certificate": self.certificate,
            "disputes_until": self.disputes_until,
        }


def state(
    measured: Measured, certificate: Mapping[str, Json], *, disputes_until: int
) -> list[Statement]:
    """A statement for each player of a certified settlement."""
    n = len(measured.players)
    everybody = (1 << n) - 1
    (total,) = measured.value_batch([everybody])
    alone = measured.value_batch([1 << i for i in range(n)])
    without = measured.value_batch([everybody ^ 1 << i for i in range(n)])
    bound = digest(certificate)
    pairs = (
        twins(measured.players, measured.overlap or {}) if not isinstance(measured, Sample) else []
    )
    pairs = pairs if measured.specification.get("twins", JOIN) == JOIN else []
    paths = union_paths(measured.specification, measured.players, pairs)
    strata = (
        measured.by_stratum(paths)
        if isinstance(measured, CoverageGame) and len(measured.strata) > 1
        else {}
    )
    statements = []
    for i, party in enumerate(measured.players):
        phi, low, high = (
            to_fraction(certificate[field][i], digits=VALUE_DIGITS)
            for field in ("phi", "low", "high")
        )
        ends = certificate["intervals"]
        statements.append(
            Statement(
                party=party,
                study=certificate["study"],
                pot_fen=measured.specification["pot_fen"],
                share_fen=certificate["shares_fen"][party],
                paid_fen=certificate["paid_fen"].get(party, 0),
                interim=certificate["measured"]["kind"] == "sample",
                contribution=phi,
                low=low,
                high=high,
                interval=None if ends is None else (ends[i][0], ends[i][1]),
                alone=alone[i],
                last=total - without[i],
                total=total,
                unit=measured.unit,
                strata={name: parts[i] for name, parts in strata.items()},
                why=_with_unions(
                    _why(measured, i, phi, alone[i], total - without[i]), party, pairs, paths[i]
                ),
                certificate=bound,
                disputes_until=disputes_until,
            )
        )
    return statements


def _with_unions(why: Text, party: str, pairs: Sequence[Twin], path: Sequence[str]) -> Text:
    own = [t for t in pairs if party in (t.a, t.b)]
    if not own and path:
        names = ", ".join(f"`{name.partition(' ')[2]}`" for name in path)
        return Text(
            zh=f"{why.zh}份额先在登记的上级单位或归属之间计算（贵机构属于 {names}），"
            "再在其内部分配。",
            en=f"{why.en} Shares go to the registered unions or owners first (yours is {names}), "
            "and are divided within them.",
        )
    if not own:
        return why
    told = [(t.b if t.a == party else t.a, t.shared, t.of_a + t.of_b - t.shared) for t in own]
    zh = "、".join(
        f"`{name}`（双方共 {either:,} 人，其中 {shared:,} 人两家都有）"
        for name, shared, either in told
    )
    en = ", ".join(
        f"`{name}` ({shared:,} of {either:,} are held by both)" for name, shared, either in told
    )
    return Text(
        zh=f"{why.zh}贵机构与 {zh} 的患者几乎相同，按登记的约定作为同一归属计值；"
        "如属误判，请提出异议。",
        en=f"{why.en} Your institution holds nearly the same patients as {en}, so as registered "
        "they are valued as one owner; dispute it if that is wrong.",
    )


def _why(measured: Measured, i: int, phi: Fraction, alone: int, last: int) -> Text:
    if isinstance(measured, CoverageGame):
        return _why_covered(measured, alone, last)
    what = _measured(measured.specification)
    if isinstance(measured, Sample):
        return Text(
            zh=f"贡献是把贵机构的数据加入其他机构的各种组合时{what.zh}的平均改善，"
            f"由登记的 {len(measured.values)} 种组合估计。",
            en=f"the contribution is the mean improvement of {what.en} when your data join the "
            f"coalitions of the others, estimated from {len(measured.values)} registered "
            "coalitions.",
        )
    coalitions, lower = _lowered(measured, i)
    if phi < 0:
        return Text(
            zh=f"在其他机构的 {coalitions} 种组合中，有 {lower} 种因加入贵机构的数据而使"
            f"{what.zh}变差，平均为负：贵机构的病例构成与其他机构不同。"
            "这不是数据错误的证明；负贡献如实公布，支付按零计算，不向贵机构追索。",
            en=f"in {lower} of the {coalitions} coalitions of the others, adding your data lowered "
            f"{what.en}, and on average too: your case mix differs from the others'. This does not "
            "prove an error in the data; a negative contribution is published as it is, paid as "
            "zero, and never claimed back.",
        )
    return Text(
        zh=f"贡献是把贵机构的数据加入其他机构的 {coalitions} 种组合时，{what.zh}的平均改善"
        f"（其中 {coalitions - lower} 种没有变差）。",
        en=f"the contribution is the mean improvement of {what.en} when your data join each of the "
        f"{coalitions} coalitions of the others; in {coalitions - lower} of them it got no worse.",
    )


def _measured(specification: Mapping[str, Json]) -> Text:
    """The name of what a utility measures, for the middle of a sentence."""
    match specification.get("utility"):
        case "concordance":
            return Text(
                zh="共同模型把病例排在对照之前的能力",
                en="the joint model's ranking of cases above controls",
            )
        case "information":
            of = specification["of"]
            return Text(
                zh=f"对系数“{of}”的估计精度", en=f"the precision of the coefficient of `{of}`"
            )
        case "table":
            return Text(zh="登记的效用", en="the registered utility")
        case _:
            return Text(
                zh="共同模型对全体患者的拟合",
                en="the joint model's fit to the patients of all institutions",
            )


def _why_covered(measured: CoverageGame, alone: int, last: int) -> Text:
    if measured.unit == "persons":
        return Text(
            zh=f"贵机构有 {alone:,} 名符合条件的患者，其中 {last:,} 名只在贵机构出现；"
            "与他人共有的患者由各机构平分，共有人数过少的组合按零计，以免暴露个人。",
            en=f"your institution has {alone:,} eligible patients, {last:,} of whom nobody else "
            "has; patients seen by several institutions are shared equally among them, and groups "
            "too small to be published count as none.",
        )
    return Text(
        zh=f"贵机构符合条件的患者按登记的分层权重合计 {alone:,} 分，"
        f"其中 {last:,} 分来自只在贵机构出现的患者；"
        "与他人共有的患者由各机构平分，共有人数过少的组合按零计，以免暴露个人。",
        en=f"your eligible patients count {alone:,} points by the registered weights of their "
        f"strata, {last:,} of them for patients whom nobody else has; patients seen by several "
        "institutions are shared equally among them, and groups too small to be published count as "
        "none.",
    )


def _lowered(measured: Game, i: int) -> tuple[int, int]:
    """The number of coalitions of the others, and of those whose utility player i lowers."""
    # the middle axis is bit i of the mask: without player i, and with it
    values = integers(measured).reshape(-1, 2, 1 << i)
    return values[:, 0].size, int((values[:, 1] < values[:, 0]).sum())
