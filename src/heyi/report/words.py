"""Words that only the report needs: tiers, badges, the state of rules, units, conditions."""

from __future__ import annotations

import datetime as dt

from heyi.catalogue.kinds import all_kinds
from heyi.exchange.consortium import ZONE
from heyi.model.decision import Effect, Outcome, RuleFinding, Text
from heyi.model.kleene import Truth
from heyi.model.party import Tier
from heyi.policy.explain import HEADLINE, party
from heyi.policy.language import ir
from heyi.report.data import Badge, Tone

TIERS = {
    Tier.NATION: Text(zh="国家级", en="nation"),
    Tier.PROVINCE: Text(zh="省级", en="province"),
    Tier.CITY: Text(zh="市级", en="city"),
    Tier.COUNTY: Text(zh="县级", en="county"),
    Tier.TOWNSHIP: Text(zh="乡镇", en="township"),
    Tier.VILLAGE: Text(zh="村", en="village"),
}

_TONES: dict[tuple[Outcome, bool], Tone] = {
    (Outcome.PERMIT, False): "good",
    (Outcome.PERMIT_WITH_OBLIGATIONS, False): "duty",
    (Outcome.NEEDS_APPROVAL, False): "wait",
    (Outcome.DENY, True): "cure",
    (Outcome.DENY, False): "stop",
}
OUTCOMES = tuple(_TONES)
"""Every (outcome, curable), mildest first."""

_UNITS = {
    "岁": "years",
    "年": "years",
    "天": "days",
    "次/分": "a minute",
    "分": "points",
    "元": "yuan",
}
_CONDITIONS = {
    "min_cell": Text(zh="最小格不少于 {}", en="cells of at least {}"),
    "max_calls": Text(zh="调用不超过 {} 次", en="at most {} calls"),
    "days": Text(zh="期限不超过 {} 天", en="at most {} days"),
}


def badge(outcome: Outcome, curable: bool) -> Badge:
    zh, en = HEADLINE[outcome, curable]
    return Badge(words=Text(zh=zh, en=en), tone=_TONES[outcome, curable])


def sentence_case(en: str) -> str:
    """An English title with its first letter in upper case."""
    return en[:1].upper() + en[1:]


def who(book: ir.Rulebook, role: str) -> Text:
    """The name of a role in a rule, which is a part of the request or an authority."""
    if f"approval.{role}" in book.schema.facts:
        return authority(book, role)
    return Text(zh=party(role, "zh"), en=party(role, "en"))


def authority(book: ir.Rulebook, name: str) -> Text:
    label = book.schema.facts[f"approval.{name}"].name
    return Text(zh=label.zh.removesuffix("审批"), en=label.en.removeprefix("decision of "))


def because(why: str) -> Text:
    """Why a fact is unknown."""
    return Text(zh="尚无答复" if why == "not stated" else f"来源不足（{why}）", en=why)


def condition(name: str, value: int) -> Text:
    words = _CONDITIONS.get(name, Text(zh=f"{name} {{}}", en=f"{name} {{}}"))
    return Text(zh=words.zh.format(value), en=words.en.format(value))


def status(finding: RuleFinding, said: str | None = None) -> tuple[Text, Tone]:
    """The state of a rule in an answer, and its colour.

    `said` is what the authority of a review said: `given`, `refused` or None.
    """
    unknown = finding.truth is Truth.UNKNOWN
    match finding.effect:
        case Effect.FORBID if unknown:
            return Text(zh="红线未能排除", en="red line not ruled out"), "cure"
        case Effect.FORBID:
            return Text(zh="触及红线", en="red line crossed"), "stop"
        case Effect.REQUIRE if finding.met:
            return Text(zh="已满足", en="met"), "good"
        case Effect.REQUIRE:
            return Text(zh="未满足", en="not met"), "cure"
        case Effect.REVIEW if said == "given":
            return Text(zh="已获同意", en="approved"), "good"
        case Effect.REVIEW if said == "refused":
            return Text(zh="不同意", en="refused"), "stop"
        case Effect.REVIEW:
            return Text(zh="须经审批", en="to be approved"), "wait"
        case Effect.GROUND if unknown:
            return Text(zh="依据未定", en="ground undetermined"), "cure"
        case Effect.GROUND:
            return Text(zh="合法性依据", en="lawful ground"), "good"
        case Effect.OBLIGE:
            return Text(zh="义务", en="duty"), "duty"


def kind_label(name: str) -> Text:
    """The name of a kind of field; its id if the catalogue does not know it."""
    known = all_kinds().get(name)
    return Text(zh=known.zh, en=known.en) if known else Text(zh=name, en=name)


def unit(name: str) -> Text:
    """The unit of a kind; empty if it has none."""
    known = all_kinds().get(name)
    own = known.unit if known else ""
    return Text(zh=own, en=_UNITS.get(own, own))


def number(micro: int) -> str:
    """A number of millionths as the shortest decimal."""
    whole, rest = divmod(abs(micro), 1_000_000)
    decimals = f".{rest:06d}".rstrip("0") if rest else ""
    return f"{'-' if micro < 0 else ''}{whole}{decimals}"


def minute(at: int) -> str:
    """A Unix time in seconds as text, in the consortium's time zone and to the minute."""
    return dt.datetime.fromtimestamp(at, ZONE).strftime("%Y-%m-%d %H:%M UTC+8")


def listed(texts: list[Text]) -> Text:
    return Text(zh="、".join(t.zh for t in texts), en=", ".join(t.en for t in texts))
