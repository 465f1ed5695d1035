"""Statements: what an institution is told about a settlement, so that it can recompute and dispute it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from heyi.crypto.canonical import Json
from heyi.model.decision import Text
from heyi.settlement.game import Game


def yuan(fen: int) -> str:
    """An amount in fen as yuan with two decimals and thousands separators."""
    sign = "-" if fen < 0 else ""
    return f"{sign}{abs(fen) // 100:,}.{abs(fen) % 100:02d}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One institution's statement of one study.

    `contribution` is its exact Shapley value in the game's unit; `alone` and `last` are what it adds to nobody and to
    all others together; `why` tells it in words.
    """

    party: str
    study: str
    pot_fen: int
    share_fen: int
    contribution: Fraction
    alone: int
    last: int
    total: int
    unit: str
    why: Text
    game: str

    def to_json(self) -> dict[str, Json]:
        return {
            "party": self.party,
            "study": self.study,
            "pot_fen": self.pot_fen,
            "share_fen": self.share_fen,
            "contribution": str(self.contribution),
            "alone": str(self.alone),
            "last": str(self.last),
            "total": str(self.total),
            "unit": self.unit,
            "why": self.why.to_json(),
            "game": self.game,
        }


def state(
    game: Game, phi: tuple[Fraction, ...], shares_fen: Mapping[str, int], *, pot_fen: int, study: str
) -> list[Statement]:
    """A statement for each player."""
    everybody = len(game.values) - 1
    statements = []
    for i, party in enumerate(game.players):
        alone = game.values[1 << i]
        last = game.values[everybody] - game.values[everybody ^ 1 << i]
        statements.append(
            Statement(
                party=party,
                study=study,
                pot_fen=pot_fen,
                share_fen=shares_fen[party],
                contribution=phi[i],
                alone=alone,
                last=last,
                total=game.values[everybody],
                unit=game.unit,
                why=_why(game, i, phi[i], alone, last),
                game=game.digest,
            )
        )
    return statements


def _why(game: Game, i: int, phi: Fraction, alone: int, last: int) -> Text:
    if game.unit == "persons":
        return Text(
            zh=f"贵机构有 {alone:,} 名符合条件的患者，其中 {last:,} 名只在贵机构出现；与他人共有的患者由各机构平分，"
            "共有人数过少的组合按零计，以免暴露个人。",
            en=f"your institution has {alone:,} eligible patients, {last:,} of whom nobody else has; patients seen by "
            "several institutions are shared equally among them, and groups too small to be published count as none.",
        )
    others = [m for m in range(len(game.values)) if not m >> i & 1]
    lower = sum(game.values[m | 1 << i] < game.values[m] for m in others)
    if phi < 0:
        return Text(
            zh=f"在其他机构的 {len(others)} 种组合中，有 {lower} 种因加入贵机构的数据而使共同模型对全体患者的拟合变差，"
            "平均为负：贵机构的病例构成与其他机构不同。这不是数据错误的证明；负贡献如实公布，支付按零计算，不向贵机构追索。",
            en=f"in {lower} of the {len(others)} coalitions of the others, adding your data made the joint model fit "
            "the patients of all institutions less well, and on average too: your case mix differs from the others'. "
            "This does not prove an error in the data; a negative contribution is published as it is, paid as zero, "
            "and never claimed back.",
        )
    return Text(
        zh=f"贡献是把贵机构的数据加入其他机构的 {len(others)} 种组合时，共同模型对全体患者拟合的平均改善"
        f"（其中 {len(others) - lower} 种没有变差）。",
        en="the contribution is the mean improvement of the joint model's fit to the patients of all institutions "
        f"when your data join each of the {len(others)} coalitions of the others; in {len(others) - lower} of them "
        "the fit got no worse.",
    )
