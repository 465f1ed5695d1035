"""The third reading: NumPy over columns, for replays and impact studies of many requests at once.

A column holds one fact of all requests, with -1 for unknown. Every atom becomes two bit planes with
one bit for each request: it is known to hold, it is known to fail. Rules and outcome are then a few
operations on planes, eight requests a byte:

    n         5  2  -1          n >= 3 holds    1 0 0          n >= 3 fails    0 1 0

Here no code is generated: the program is the list of all parts of all conditions, each part once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heyi.model.decision import Effect
from heyi.policy.engines.interpret import Reading
from heyi.policy.engines.normal_form import Every, Literal, Normal, normal, possible
from heyi.policy.engines.to_python import ANSWERS, folds
from heyi.policy.language import ir
from heyi.policy.language.schema import FactSpec, FactType, Schema

Plane = NDArray[np.uint8]
Column = NDArray[Any]
UNKNOWN = -1
BLOCK = 1 << 16
"""Requests that are judged together, a multiple of eight: their planes stay in the cache."""

DTYPES = {
    FactType.BOOL: np.int8,  # 0 false, 1 true
    FactType.ENUM: np.int16,  # the place of the value in the vocabulary
    FactType.SET: np.int64,  # bit i: member i of the vocabulary
    FactType.INT: np.int64,
    FactType.DATE: np.int64,  # ordinal day
}


@dataclass(frozen=True, slots=True)
class EncodedColumns:
    """Facts of `rows` requests, by id: arrays of length `rows` with the dtype of `DTYPES`.

    A fact without a column is unknown in every request.
    """

    rows: int
    facts: Mapping[str, Column]


def encode(schema: Schema, requests: Sequence[ir.Known]) -> EncodedColumns:
    """Columns of requests: known facts that have passed `admit`, with dates as ordinal days."""
    names = dict.fromkeys(n for known in requests for n in known)
    return EncodedColumns(
        len(requests),
        {
            n: np.array(
                [_code(schema.facts[n], known.get(n)) for known in requests],
                DTYPES[schema.facts[n].type],
            )
            for n in names
        },
    )


def _code(spec: FactSpec, value: object) -> int:
    if value is None:
        return UNKNOWN
    if spec.type is FactType.ENUM:
        return list(spec.values).index(str(value))
    if isinstance(value, frozenset):
        return sum(1 << i for i, v in enumerate(spec.values) if v in value)
    assert isinstance(value, int)
    return int(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnReading:
    """The reading of each request.

    `fired`, `undetermined` and `met` have the shape (rules, bytes), `tracks` (2 * tracks, bytes).
    Request i is bit 7 - i % 8 of byte i // 8. `severity`, of shape (rows,), holds an index of
    `to_python.ANSWERS` for each request.
    """

    rows: int
    fired: Plane
    undetermined: Plane
    met: Plane
    tracks: Plane
    severity: NDArray[np.uint8]

    def reading(self, i: int) -> Reading:
        """The answer to request `i` as the other readings give it."""
        byte, bit = divmod(i, 8)

        def mask(planes: Plane) -> int:
            return sum(1 << k for k, row in enumerate(planes) if row[byte] >> 7 - bit & 1)

        outcome, curable = ANSWERS[self.severity[i]]
        return Reading(
            mask(self.fired),
            mask(self.undetermined),
            mask(self.met),
            mask(self.tracks),
            outcome,
            curable,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _FoldRules:
    """The masks of `to_python.Fold` as indices of rules."""

    forbid: Sequence[int]
    require: Sequence[int]
    review: Sequence[int]
    oblige: Sequence[int]
    grounds: Sequence[tuple[Sequence[int], Sequence[int]]]


class ColumnEngine:
    """Judges columns by one rulebook."""

    def __init__(self, book: ir.Rulebook) -> None:
        self._schema = book.schema
        # INVARIANT: every part of every condition is here once, and before what it is a part of.
        self._nodes: dict[Normal, int] = {}
        changeable = {n for n, s in book.schema.facts.items() if s.changed_by}
        self._rules = [self._node(normal(r.applies)) for r in book.rules]
        self._needs = {
            i: self._node(normal(r.needs))
            for i, r in enumerate(book.rules)
            if r.effect is Effect.REQUIRE
        }
        self._said = {
            i: tuple(self._node(_said(r.approval, value)) for value in ("given", "refused"))
            for i, r in enumerate(book.rules)
            if r.effect is Effect.REVIEW
        }
        self._tracks = [self._node(normal(t.opens)) for t in book.tracks]
        self._hopes = {
            i: self._node(possible(normal(r.applies), changeable))
            for i, r in enumerate(book.rules)
            if r.track
        }
        self._program = [
            (form, [] if isinstance(form, Literal) else [self._nodes[part] for part in form.of])
            for form in self._nodes
        ]
        self._folds = [
            _FoldRules(
                forbid=_bits(fold.forbid),
                require=_bits(fold.require),
                review=_bits(fold.review),
                oblige=_bits(fold.oblige),
                grounds=[(_bits(grounds), _bits(reviews)) for grounds, reviews in fold.grounds],
            )
            for fold in folds(book)
        ]

    def _node(self, form: Normal) -> int:
        """The index of a form in the program; the form and its parts are added where missing."""
        if form not in self._nodes:
            if not isinstance(form, Literal):
                for part in form.of:
                    self._node(part)
            self._nodes[form] = len(self._nodes)
        return self._nodes[form]

    def read(self, columns: EncodedColumns) -> ColumnReading:
        """Judge every request by the whole rulebook."""
        bytes_ = -(-columns.rows // 8)
        result = ColumnReading(
            rows=columns.rows,
            fired=np.empty((len(self._rules), bytes_), np.uint8),
            undetermined=np.empty((len(self._rules), bytes_), np.uint8),
            met=np.zeros((len(self._rules), bytes_), np.uint8),
            tracks=np.empty((2 * len(self._tracks), bytes_), np.uint8),
            severity=np.empty(columns.rows, np.uint8),
        )
        for first in range(0, columns.rows, BLOCK):
            last = min(first + BLOCK, columns.rows)
            self._block(columns, first, last, result)
        return result

    def _block(self, columns: EncodedColumns, first: int, last: int, result: ColumnReading) -> None:
        """Judge the requests from `first` up to `last` and write their part of the result."""
        # INVARIANT: `first` is a multiple of eight, so that no byte belongs to two blocks.
        at = slice(first // 8, -(-last // 8))
        planes = _Planes(
            self._schema, {n: c[first:last] for n, c in columns.facts.items()}, last - first
        )
        truth = planes.run(self._program)
        fired, maybe, met = result.fired[:, at], result.undetermined[:, at], result.met[:, at]
        for i, node in enumerate(self._rules):
            true, false = truth[node]
            fired[i] = true
            np.bitwise_or(true, false, out=maybe[i])
        # so far `maybe` is where the rule is determined; against all requests it is where it is not
        np.bitwise_xor(maybe, planes.all, out=maybe)
        for i, node in self._needs.items():
            met[i] = truth[node][0]
        opened = []
        for t, node in enumerate(self._tracks):
            true, false = truth[node]
            result.tracks[2 * t, at] = true
            result.tracks[2 * t + 1, at] = ~(true | false) & planes.all
            opened.append(~false)
        block = _Block(
            fired=fired,
            maybe=maybe,
            met=met,
            given={i: truth[nodes[0]][0] for i, nodes in self._said.items()},
            refused={i: truth[nodes[1]][0] for i, nodes in self._said.items()},
            hopes={i: ~truth[node][1] for i, node in self._hopes.items()},
            opened=opened,
        )
        levels = [planes.none() for _ in ANSWERS]
        for fold in self._folds:
            _fold(fold, block, levels)
        severity = result.severity[first:last]
        severity[:] = 0
        for level in range(1, len(ANSWERS)):
            bits = np.unpackbits(levels[level], count=last - first)
            np.maximum(severity, bits * np.uint8(level), out=severity)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Block:
    """The planes of one block that the outcome table reads, by index of the rule or track.

    Bits behind the last request may hold anything: `np.unpackbits` drops them at the end.
    """

    fired: Plane
    maybe: Plane
    met: Plane
    given: Mapping[int, Plane]
    refused: Mapping[int, Plane]
    hopes: Mapping[int, Plane]
    opened: Sequence[Plane]

    def may(self, i: int) -> Plane:
        plane: Plane = self.fired[i] | self.maybe[i]
        return plane


def _fold(fold: _FoldRules, block: _Block, levels: list[Plane]) -> None:
    """Add one jurisdiction to `levels`: by severity, where a line of the outcome table gives it."""
    for i in fold.oblige:
        levels[1] |= block.may(i)
    for i in fold.review:
        levels[2] |= block.may(i) & ~block.given[i]
        levels[4] |= block.may(i) & block.refused[i]
    for i in fold.require:
        levels[3] |= block.may(i) & ~block.met[i]
    for i in fold.forbid:
        levels[3] |= block.maybe[i]
        levels[4] |= block.fired[i]
    for opened, (grounds, reviews) in zip(block.opened, fold.grounds, strict=True):
        lacks = opened.copy()
        pending, hope = np.zeros_like(lacks), np.zeros_like(lacks)
        for i in grounds:
            lacks &= ~block.fired[i]
            hope |= block.hopes[i]
        for i in reviews:
            lacks &= ~(block.fired[i] & block.given[i])
            pending |= block.fired[i] & ~block.refused[i]
            hope |= block.hopes[i] & ~block.refused[i]
        levels[2] |= lacks & pending
        lacks &= ~pending
        levels[3] |= lacks & hope
        levels[4] |= lacks & ~hope


class _Planes:
    """Bit planes of the facts of one block."""

    def __init__(self, schema: Schema, columns: Mapping[str, Column], rows: int) -> None:
        self._schema = schema
        self._columns = columns
        self._rows = rows
        self.all: Plane = np.packbits(np.ones(rows, np.bool_))
        self._known: dict[str, Plane] = {}

    def none(self) -> Plane:
        return np.zeros_like(self.all)

    def known(self, name: str) -> Plane:
        if name not in self._known:
            column = self._columns.get(name)
            self._known[name] = self.none() if column is None else np.packbits(column != UNKNOWN)
        return self._known[name]

    def run(self, program: Sequence[tuple[Normal, Sequence[int]]]) -> list[tuple[Plane, Plane]]:
        """For each form of a program: where it is known to hold, and where it is known to fail.

        A program is a list of forms with the indices of their parts.
        """
        made: list[tuple[Plane, Plane]] = []
        for form, parts in program:
            if isinstance(form, Literal):
                true, false = self._atom(form.atom)
                made.append((true, false) if form.holds else (false, true))
                continue
            # A conjunction holds where all parts hold, and fails where one fails. A disjunction
            # fails where all parts fail, and holds where one holds: the same, planes exchanged.
            every = isinstance(form, Every)
            both, one = self.all.copy(), self.none()
            for part in parts:
                true, false = made[part]
                both &= true if every else false
                one |= false if every else true
            made.append((both, one) if every else (one, both))
        return made

    def _atom(self, atom: ir.Fact | ir.Compare | ir.Member | ir.SetTest) -> tuple[Plane, Plane]:
        names = list(ir.facts_read(atom))
        known = self.known(names[0])
        for name in names[1:]:
            known = known & self.known(name)
        if any(name not in self._columns for name in names):
            return known, known
        true = np.packbits(self._holds(atom)) & known
        return true, known & ~true

    def _holds(self, atom: ir.Fact | ir.Compare | ir.Member | ir.SetTest) -> NDArray[np.bool_]:
        """Where an atom holds; meaningless where it reads an unknown fact."""
        match atom:
            case ir.Fact(name):
                return np.equal(self._columns[name], 1)
            case ir.Compare(op, ir.Fact(left), right):
                of = self._columns[right.name] if isinstance(right, ir.Fact) else right.value
                return _OPERATIONS[op](self._columns[left], of)  # type: ignore[no-any-return]
            case ir.Member(fact, values):
                return self._among(self._schema.facts[fact.name], values)
            case ir.SetTest(op, fact, values):
                spec = self._schema.facts[fact.name]
                listed, held = _code(spec, values), self._columns[fact.name]
                test: NDArray[np.bool_]
                test = held & ~listed == 0 if op == "subset" else held & listed != 0
                return test
        raise AssertionError(atom)

    def _among(self, spec: FactSpec, values: Iterable[ir.Scalar]) -> NDArray[np.bool_]:
        column = self._columns[spec.id]
        found = np.zeros(self._rows, np.bool_)
        for value in sorted({_code(spec, v) for v in values}):
            found |= column == value
        return found


_OPERATIONS: Mapping[str, Any] = {
    "==": np.equal,
    "!=": np.not_equal,
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
}


def _said(approval: str, value: str) -> Literal:
    return Literal(ir.Member(ir.Fact(approval), (value,)), True)


def _bits(mask: int) -> list[int]:
    return [i for i in range(mask.bit_length()) if mask >> i & 1]
