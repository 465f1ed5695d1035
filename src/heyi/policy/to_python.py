"""The second reading: Python generated from the IR, all rules as bits of integers.

For each condition two Python expressions are made, known-true and known-false; unknown is neither (Kleene logic in
bit masks). The fold works on masks alone and shares no line with the interpreter's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from heyi.model.decision import Effect, Outcome
from heyi.policy import ir
from heyi.policy.interpret import Reading

Masks = tuple[int, int, int, int, int, int]
"""fired, undetermined, met, tracks, reviews given, reviews refused."""

_OPPOSITE = {"==": "!=", "!=": "==", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}


def generate(book: ir.Rulebook) -> str:
    """Source of a function `masks(get)` that computes the six masks from `get`, the facts' `dict.get`."""
    names: dict[str, str] = {}

    def local(name: str) -> str:
        return names.setdefault(name, f"v{len(names)}")

    body = ["fired = undetermined = met = tracks = given = refused = 0"]
    for i, rule in enumerate(book.rules):
        true, false = _pair(rule.applies, local)
        body += [f"if {true}: fired |= {1 << i}", f"elif not ({false}): undetermined |= {1 << i}"]
        if rule.effect is Effect.REQUIRE:
            body.append(f"if {_pair(rule.needs, local)[0]}: met |= {1 << i}")
        if rule.effect is Effect.REVIEW:
            v = local(rule.approval)
            body += [f"if {v} == 'given': given |= {1 << i}", f"elif {v} == 'refused': refused |= {1 << i}"]
    for i, track in enumerate(book.tracks):
        true, false = _pair(track.opens, local)
        body += [f"if {true}: tracks |= {1 << 2 * i}", f"elif not ({false}): tracks |= {1 << 2 * i + 1}"]
    head = [f"{v} = get({name!r})" for name, v in names.items()]
    lines = [*head, *body, "return fired, undetermined, met, tracks, given, refused"]
    return "def masks(get):\n" + "".join(f"    {line}\n" for line in lines)


def _pair(condition: ir.Condition, local: Callable[[str], str]) -> tuple[str, str]:
    match condition:
        case ir.Constant(value):
            return str(value), str(not value)
        case ir.Fact(name):
            v = local(name)
            return f"{v} is True", f"{v} is False"
        case ir.Not(of):
            true, false = _pair(of, local)
            return false, true
        case ir.All(of) | ir.Some(of):
            pairs = [_pair(part, local) for part in of]
            if not pairs:
                return str(isinstance(condition, ir.All)), str(isinstance(condition, ir.Some))
            every, some = (0, 1) if isinstance(condition, ir.All) else (1, 0)
            joined = ["", ""]
            joined[every] = "(" + " and ".join(p[every] for p in pairs) + ")"
            joined[some] = "(" + " or ".join(p[some] for p in pairs) + ")"
            return joined[0], joined[1]
        case ir.Compare(op, left, right):
            known = " and ".join(f"{local(t.name)} is not None" for t in (left, right) if isinstance(t, ir.Fact))
            a, b = (repr(t.value) if isinstance(t, ir.Literal) else local(t.name) for t in (left, right))
            return f"({known} and {a} {op} {b})", f"({known} and {a} {_OPPOSITE[op]} {b})"
        case ir.Member(fact, values):
            v = local(fact.name)
            return f"({v} is not None and {v} in {values!r})", f"({v} is not None and {v} not in {values!r})"
        case ir.SetTest(op, fact, values):
            v, members = local(fact.name), f"frozenset({sorted(values)!r})"
            test = f"{v} <= {members}" if op == "subset" else f"not {v}.isdisjoint({members})"
            return f"({v} is not None and {test})", f"({v} is not None and not ({test}))"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Jurisdiction:
    """Masks over the rules of one jurisdiction; `grounds` holds one pair a track: grounds, reviews that may ground."""

    forbid: int
    require: int
    review: int
    oblige: int
    grounds: tuple[tuple[int, int], ...]


class PythonEngine:
    """The generated function with the masks of its rulebook."""

    def __init__(self, book: ir.Rulebook) -> None:
        space: dict[str, Any] = {}
        exec(compile(generate(book), f"<rulebook {book.digest[7:19]}>", "exec"), space)
        self._masks: Callable[[Callable[[str], object]], Masks] = space["masks"]
        self._fixed = frozenset(n for n, s in book.schema.facts.items() if not s.changed_by)
        self._tracks = len(book.tracks)
        self._jurisdictions = tuple(self._split(book, j) for j in book.jurisdictions)

    @staticmethod
    def _split(book: ir.Rulebook, jurisdiction: str) -> _Jurisdiction:
        def mask(effect: Effect, track: str | None = None) -> int:
            return sum(
                1 << i
                for i, r in enumerate(book.rules)
                if r.article.jurisdiction == jurisdiction
                and r.effect is effect
                and (track is None or r.track == track)
                and not (effect is Effect.OBLIGE and r.baseline)
            )

        return _Jurisdiction(
            forbid=mask(Effect.FORBID),
            require=mask(Effect.REQUIRE),
            review=mask(Effect.REVIEW),
            oblige=mask(Effect.OBLIGE),
            grounds=tuple((mask(Effect.GROUND, t.id), mask(Effect.REVIEW, t.id)) for t in book.tracks),
        )

    def read(self, known: ir.Known) -> Reading:
        """Judge the facts by the whole rulebook."""
        fired, undetermined, met, tracks, given, refused = self._masks(known.get)
        could: int | None = None  # rules that could come to apply; computed only when a ground is lacking
        worst = 0
        for j in self._jurisdictions:
            may = fired | undetermined
            severity = 1 if may & j.oblige else 0
            if may & j.review & ~given:
                severity = 2
            if may & j.require & ~met or may & j.forbid:
                severity = 3
            for t, (grounds, reviews) in enumerate(j.grounds):
                if not tracks >> 2 * t & 3 or fired & (grounds | reviews & given):
                    continue
                if fired & reviews & ~refused:
                    severity = max(severity, 2)
                    continue
                if could is None:
                    fixed = {n: v for n, v in known.items() if n in self._fixed}
                    could_fire, could_be, *_ = self._masks(fixed.get)
                    could = could_fire | could_be
                severity = max(severity, 3 if could & (grounds | reviews & ~refused) else 4)
            if fired & j.forbid or may & j.review & refused:
                severity = 4
            worst = max(worst, severity)
        outcome, curable = _ANSWERS[worst]
        return Reading(fired=fired, undetermined=undetermined, met=met, tracks=tracks, outcome=outcome, curable=curable)


_ANSWERS = (
    (Outcome.PERMIT, False),
    (Outcome.PERMIT_WITH_OBLIGATIONS, False),
    (Outcome.NEEDS_APPROVAL, False),
    (Outcome.DENY, True),
    (Outcome.DENY, False),
)
