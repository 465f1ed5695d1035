"""Small rulebooks written in a few lines, and all requests to them.

On rulebooks this small a test can try every request, so proofs and compilers are checked against
an exhaustive search. An example: `compiled(schema("a"), pack(rule("X-1.1 forbid", "a")))`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace
from itertools import chain, combinations, product
from random import Random

from heyi.model.fact import Value
from heyi.policy.engines.interpret import read, severity
from heyi.policy.engines.to_python import PythonEngine
from heyi.policy.language import ir
from heyi.policy.language.check import compile_rulebook
from heyi.policy.language.schema import LEGAL_DAY, FactSpec, FactType, to_ordinals
from heyi.sources.rulebook import read_rulebook

Request = Mapping[str, Value]
BEGINS = dt.date(2020, 1, 1)
AFTER = dt.date(2026, 12, 1)
DAYS = (BEGINS - dt.timedelta(1), BEGINS, AFTER)
DAY = (
    '[fact.legal_day]\ntype = "date"\nzh = "法律日"\nen = "legal day"\n'
    'slot = [0, 0]\nsource = "registry"\nchanged_by = []\n'
)
OFFICE = "approval.office none|given|refused"
_WIDTH = {"bool": 2, "int": 33, "date": 33, "enum": 8, "set": 9}


def schema(*facts: str, **tracks: str) -> str:
    """The text of `facts.toml`, with the legal day and the facts and tracks given.

    Facts: `a` (bool), `n 0..9`, `kind x|y`, `parts {x|y}` (set), `day date`, `x := a && b`
    (derived). Nobody may change a fact that ends in `!`. A track is a keyword argument: its
    condition, then after `;` its minimum rank, for example `main="a; regulation"`.
    """
    word, at, lines = 0, 33, []
    for name, opens in tracks.items():
        when, _, rank = opens.partition(";")
        lines.append(
            f"[track.{name}]\nopens = '{when.strip()}'\nmin_rank = \"{rank.strip() or 'law'}\"\n"
            f'zh = "{name}"\nen = "{name}"\n'
        )
    lines.append(DAY)
    for fact in facts:
        name, _, form = fact.removesuffix("!").partition(" ")
        head = f'[fact."{name}"]\nzh = "{name}"\nen = "{name}"\n'
        if form.startswith(":="):
            lines.append(f"{head}type = \"bool\"\nderived = '{form[2:].strip()}'\n")
            continue
        kind, more = _form(form)
        if at + _WIDTH[kind] > 256:
            word, at = word + 1, 0
        changed = "[]" if fact.endswith("!") else '["handler"]'
        lines.append(
            f'{head}type = "{kind}"\nslot = [{word}, {at}]\n'
            f'source = "declared"\nchanged_by = {changed}\n{more}'
        )
        at += _WIDTH[kind]
    return "\n".join(lines)


def _form(form: str) -> tuple[str, str]:
    if not form or form == "date":
        return form or "bool", ""
    if ".." in form:
        low, _, high = form.partition("..")
        return "int", f'min = {low}\nmax = {high}\nunit = "things"\n'
    values = ", ".join(f'{v} = "{v}|{v}"' for v in form.strip("{}").split("|"))
    return "set" if form.startswith("{") else "enum", f"values = {{ {values} }}\n"


def pack(
    *blocks: str,
    name: str = "X",
    rank: str = "law",
    jurisdiction: str = "cn",
    begins: str = "2020-01-01",
) -> str:
    """The text of a pack; blocks before the first `article` among them belong to `name`-1."""
    return (
        f"---\nid: {name}\ninstrument: {{zh: {name}法, en: {name} Act}}\nrank: {rank}\n"
        f"jurisdiction: {jurisdiction}\n---\n{article(f'{name}-1', begins)}" + "".join(blocks)
    )


def article(name: str, begins: str = "2020-01-01", until: str = "") -> str:
    last = f" until={until}" if until else ""
    return f'\n## 条 {{#{name} from={begins}{last} en="Article"}}\n> 文\n\n'


def rule(head: str, when: str = "true", **fields: str) -> str:
    """A rule block for a head like `X-1.1 forbid`; the field `except` is written `excepts` here."""
    effect = head.split()[1]
    texts = {"when": when, **fields}
    if effect in ("forbid", "require"):
        texts.setdefault("party", "handler")
    if effect == "oblige":
        texts.setdefault("owes", "handler before use")
    texts.setdefault("says", "{zh: 说, en: says}")
    lines = [f"{key.replace('excepts', 'except')}: {text}" for key, text in texts.items()]
    return "\n".join([f"```rule {head}", *lines, "```\n"])


def compiled(facts: str, *packs: str) -> ir.Rulebook:
    return compile_rulebook(
        {"facts.toml": facts, **{f"{i}.md": text for i, text in enumerate(packs)}}
    )


def shipped_with(file: str, old: str, new: str) -> dict[str, str]:
    """The texts of the shipped rulebook with one place changed."""
    texts = read_rulebook()
    assert texts[file].count(old) == 1, f"`{old}` does not occur exactly once in {file}"
    return {**texts, file: texts[file].replace(old, new)}


# --- every request ---


def every_request(
    book: ir.Rulebook, *more: str, days: Collection[dt.date] = DAYS, complete: bool = False
) -> Iterator[dict[str, Value]]:
    """Every request about the facts that a rulebook reads, and `more`, on each of `days`.

    Unless `complete`, each fact but the legal day is also left unknown.
    """
    names = [n for n in dict.fromkeys((*ir.facts_of(book), *more)) if n != LEGAL_DAY]
    unknown: tuple[Value | None, ...] = () if complete else (None,)
    choices = [(*_values(book.schema.facts[n]), *unknown) for n in names]
    for day in days:
        for values in product(*choices):
            yield {
                LEGAL_DAY: day,
                **{n: v for n, v in zip(names, values, strict=True) if v is not None},
            }


def _values(spec: FactSpec) -> tuple[Value, ...]:
    match spec.type:
        case FactType.BOOL:
            return (True, False)
        case FactType.ENUM:
            return tuple(spec.values)
        case FactType.SET:
            members = tuple(spec.values)
            sizes = range(len(members) + 1)
            return tuple(
                frozenset(c) for c in chain.from_iterable(combinations(members, n) for n in sizes)
            )
        case FactType.INT:
            return tuple(range(spec.minimum, spec.maximum + 1))
        case FactType.DATE:
            return DAYS


def judged(book: ir.Rulebook, request: Request) -> int:
    """The severity of the answer, 0 to 4; interpreter and generated Python must agree."""
    known = to_ordinals(request)
    one, other = read(book, known), PythonEngine(book).read(known)
    assert one == other, request
    return severity(one.outcome, one.curable)


def less_one(request: Request) -> Iterator[tuple[str, dict[str, Value]]]:
    """The request without each of its facts in turn; the legal day is always known."""
    for name in request:
        if name != LEGAL_DAY:
            yield name, {n: v for n, v in request.items() if n != name}


def without(book: ir.Rulebook, drop: Callable[[ir.Rule], bool]) -> ir.Rulebook:
    return replace(book, rules=tuple(r for r in book.rules if not drop(r)))


# --- rulebooks drawn at random --------------------------------------------------------------------

DRAWN = schema(
    *("a", "b", "fixed!", "n 0..3", "act.kind x|y", OFFICE),
    main='a || act.kind == "x"; regulation',
    other="!a; agreement",
)


def drawn(rng: Random, rules: int = 7) -> str:
    """A pack over the facts of `DRAWN`; rules of every effect, some end or have an exception."""
    blocks = [
        article("X-2", "2020-01-01", "2024-12-31"),
        article("X-3", rng.choice(["2020-01-01", "2026-12-01"])),
    ]
    for i in range(rules):
        effect = rng.choice(["forbid", "require", "review", "ground", "ground", "oblige"])
        fields = {"excepts": f"[X-2] {condition(rng, 1)}"} if rng.random() < 0.3 else {}
        match effect:
            case "require":
                fields["needs"] = condition(rng, 1, fixed=False)
            case "review":
                fields["authority"] = "office"
                if rng.random() < 0.5:
                    fields |= {"may": "ground", "track": "main"}
            case "ground":
                fields["track"] = rng.choice(["main", "other"])
            case "oblige":
                fields["baseline"] = rng.choice(["true", "false"])
        blocks.append(rule(f"X-3.{i} {effect}", condition(rng), **fields))
    return pack(*blocks, rank="regulation")


def condition(rng: Random, depth: int = 2, *, fixed: bool = True) -> str:
    """A condition over the facts of `DRAWN`; without `fixed`, only over facts that may change."""
    if depth == 0 or rng.random() < 0.25:
        atoms = [
            "a",
            "!a",
            "b",
            "!b",
            f"n {rng.choice(['<', '>=', '=='])} {rng.randrange(4)}",
            'act.kind == "x"',
        ]
        return rng.choice([*atoms, *(["fixed", "!fixed"] if fixed else [])])
    parts = [condition(rng, depth - 1, fixed=fixed) for _ in range(2)]
    return f"{rng.choice(['', '', '!'])}({rng.choice([' && ', ' || ']).join(parts)})"
