"""Rulebooks smaller and larger than the shipped one, as texts for the whole pipeline.

A smaller rulebook is a fixed choice of the shipped rules. A larger one adds variants: a shipped
rule under a new article, with another threshold, other members of an enum, or a fact negated. An
example: `subjects.min_age < 14` of PIPL-31.1 may become `subjects.min_age < 28` in PIPL-31-V1.1.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from random import Random

from heyi.app.rulebooks import shipped_point
from heyi.model.decision import Effect
from heyi.policy.engines.interpret import evaluate, read
from heyi.policy.language import ir
from heyi.policy.language.check import compile_rulebook
from heyi.policy.language.jurisdictions import CONSORTIUM_FILE
from heyi.policy.language.profiles import PROFILES_FILE
from heyi.policy.language.schema import FactSpec, FactType, Schema, to_ordinals
from heyi.policy.language.typing import FACTS_FILE
from oracles.requests import complete_profiles

# fmt: off
SMALL = (
    *("PIPL-13.1", "PIPL-13.2", "PIPL-13.3", "PIPL-13.4", "PIPL-13.5", "PIPL-13.6", "PIPL-13.7"),
    *("AH-6.1",),
    *("PIPL-13.8", "ETH23-3.1", "HGRR-37.1", "AH-4.1"),
    *("AIDS-39.1", "DSL-21.1", "IDL25-13.1", "MHL-4.1", "MRR-15.1", "PIPL-15.1", "TF14.1"),
    *("BSL-57.1", "HGR-9.1", "NDSR-12.1", "PIPL-17.1", "PIPL-23.1", "PIPL-29.1", "PIPL-31.1"),
    *("STD39725-11.1", "XB11-4.1", "XB16-8.1"),
    *("NDSR-12.2", "PIPL-56.1", "AH-7.3"),
)
# fmt: on
"""32 rules of many packs: every effect, and grounds of both tracks, so that permits happen."""

Texts = dict[str, str]

# One atom of a condition: a fact, perhaps negated, perhaps compared with a value or a list. `of`
# also matches the comma in `overlap(fact, [...])`.
_ATOM = re.compile(
    r"(?P<negated>!)?(?P<fact>[a-z][a-z_]*\.[a-z_]+)"
    r'(?:(?P<op>\s*(?:==|!=|<=|>=|<|>)\s*)(?P<value>"[^"]*"|[0-9][0-9_]*)'
    r"|(?P<of>\s+in\s+|\s*,\s*)(?P<list>\[[^\]]*\]))?"
)
_WHEN = re.compile(r"^when:.*\n(?:[ \t].*\n)*", re.MULTILINE)


def rulebook_of(rules: int) -> Texts:
    """The texts of a rulebook with exactly `rules` rules, at least 32, without worked cases.

    Below the number of shipped rules it is a choice of them: the 32 of `SMALL`, then others in
    their order. The result is the same at each call.
    """
    shipped = shipped_point().book
    names = {a.file for a in shipped.articles.values()} | {
        FACTS_FILE,
        PROFILES_FILE,
        CONSORTIUM_FILE,
    }
    texts = {file: _cut(text, ("case",)) for file, text in shipped.texts.items() if file in names}
    if rules < len(SMALL):
        raise ValueError(f"there is no choice of {rules} rules, only of {len(SMALL)} and more")
    if rules < len(shipped.rules):
        others = [r.id for r in shipped.rules if r.id not in SMALL]
        chosen = {*SMALL, *others[: rules - len(SMALL)]}
        return {file: _cut(text, rules=chosen) for file, text in texts.items()}
    profiles = [to_ordinals(facts) for facts in complete_profiles(shipped).values()]
    permitted = [known for known in profiles if read(shipped, known).outcome.is_permit]
    wanted = _wanted(shipped, rules - len(shipped.rules))
    attempts = dict.fromkeys(wanted, 0)
    # A variant that bars a complete profile which the shipped rules permit is drawn again, with
    # the next attempt as its seed. Otherwise a large rulebook would permit nothing.
    while True:
        made = texts | _variants(shipped, texts, attempts)
        book = compile_rulebook(made)
        barring = [
            v for v in wanted if any(_bars(book.by_id[_name(*v)], known) for known in permitted)
        ]
        if not barring:
            return made
        for variant in barring:
            attempts[variant] += 1


def _cut(text: str, kinds: Collection[str] = (), rules: Collection[str] | None = None) -> str:
    """The pack without blocks of these kinds and, where `rules` is given, with those rules only."""
    kept, inside, keeping = [], False, True
    for line in text.splitlines():
        fence = line.startswith("```")
        if fence and not inside:
            kind, name = line[3:].split()[:2]
            keeping = kind not in kinds and (kind != "rule" or rules is None or name in rules)
        if keeping or not (fence or inside):
            kept.append(line)
        inside ^= fence
    return re.sub(r"\n{3,}", "\n\n", "\n".join(kept) + "\n")


def _wanted(shipped: ir.Rulebook, count: int) -> list[tuple[str, int]]:
    """The variants to make, as (rule, round): a round takes every shipped rule once, shuffled."""
    wanted: list[tuple[str, int]] = []
    while len(wanted) < count:
        turn = 1 + len(wanted) // len(shipped.rules)
        ids = [r.id for r in shipped.rules]
        Random(turn).shuffle(ids)
        wanted += [(name, turn) for name in ids[: count - len(wanted)]]
    return wanted


def _name(rule: str, turn: int) -> str:
    """The variant's id: `PIPL-31.1` becomes `PIPL-31-V1.1` in round 1."""
    article, number = rule.rsplit(".", 1)
    return f"{article}-V{turn}.{number}"


def _variants(
    shipped: ir.Rulebook, texts: Mapping[str, str], attempts: Mapping[tuple[str, int], int]
) -> Texts:
    """Packs of variants by file name, one for each shipped pack and round that has variants."""
    made = {}
    for turn in {turn for _, turn in attempts}:
        for file in sorted({shipped.by_id[rule].article.file for rule, t in attempts if t == turn}):
            chosen = {rule: n for (rule, t), n in attempts.items() if t == turn}
            text = _cut(texts[file], ("case", "param"), chosen)
            for rule, attempt in chosen.items():
                if shipped.by_id[rule].article.file == file:
                    text = _rewritten(
                        text, rule, turn, shipped.schema, Random(f"{rule} {turn} {attempt}")
                    )
            text = re.sub(r"^id: (.+)$", rf"id: \1-v{turn}", text, count=1, flags=re.MULTILINE)
            made[file.replace(".md", f"-v{turn}.md")] = re.sub(
                r"\{#([A-Za-z0-9-]+)", rf"{{#\1-V{turn}", text
            )
    return made


def _rewritten(text: str, rule: str, turn: int, schema: Schema, rng: Random) -> str:
    """The pack with one rule renamed and its `when` changed."""
    head = f"```rule {rule} "
    begin = text.index(head)
    when = _WHEN.search(text, begin)
    assert when is not None
    renamed = text[begin : when.start()].replace(head, f"```rule {_name(rule, turn)} ")
    return text[:begin] + renamed + _changed(when[0], schema, rng) + text[when.end() :]


def _changed(when: str, schema: Schema, rng: Random) -> str:
    """The condition with one or two of its atoms changed."""
    sites = [
        (m, new)
        for m in _ATOM.finditer(when)
        if (new := _other(m, schema.facts.get(m["fact"]), rng))
    ]
    for m, new in sorted(
        rng.sample(sites, min(len(sites), rng.choice((1, 1, 2)))), key=lambda s: -s[0].start()
    ):
        when = when[: m.start()] + new + when[m.end() :]
    return when


def _other(m: re.Match[str], spec: FactSpec | None, rng: Random) -> str:
    """Another atom on the same fact; the empty string where there is none."""
    negated, fact = m["negated"] or "", m["fact"]
    match spec:
        case FactSpec(type=FactType.BOOL):
            return fact if negated else f"!{fact}"
        case FactSpec(type=FactType.INT) if m["value"]:
            old = int(m["value"].replace("_", ""))
            bounds = [
                n
                for n in (old // 2, old + 1, old * 2, old * 10)
                if n != old and spec.minimum <= n <= spec.maximum
            ]
            return f"{fact}{m['op']}{rng.choice(bounds)}" if bounds else ""
        case FactSpec(type=FactType.ENUM) if m["value"]:
            others = [v for v in spec.values if v != m["value"].strip('"')]
            return f'{fact}{m["op"]}"{rng.choice(others)}"'
        case FactSpec(type=FactType.ENUM | FactType.SET) if m["list"]:
            members = json.loads(m["list"])
            others = [v for v in spec.values if v not in members]
            members[rng.randrange(len(members))] = rng.choice(others)
            return f"{negated}{fact}{m['of']}{json.dumps(members)}"
        case _:
            return ""


def _bars(rule: ir.Rule, known: ir.Known) -> bool:
    """Whether the rule alone keeps a complete request from its permit."""
    match rule.effect:
        case Effect.FORBID:
            barred = True
        case Effect.REQUIRE:
            barred = evaluate(rule.needs, known) is not True
        case Effect.REVIEW:
            barred = known.get(rule.approval) != "given"
        case _:
            barred = False
    return barred and evaluate(rule.applies, known) is True
