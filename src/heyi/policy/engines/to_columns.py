"""The third reading: NumPy over columns, for replays and impact studies over many requests at once.

A column holds one fact of all requests; -1 stands for unknown. Every atom becomes two bit planes, a bit a request: it
is known to hold, it is known to fail. Rules and the outcome are then a few operations on planes, eight requests a byte.
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
"""Requests that are judged together: their planes stay in the processor's cache."""

DTYPES = {
    FactType.BOOL: np.int8,  # 0 false, 1 true
    FactType.ENUM: np.int16,  # the place of the value in the vocabulary
    FactType.SET: np.int64,  # bit i: member i of the vocabulary
    FactType.INT: np.int64,
    FactType.DATE: np.int64,  # ordinal day
}


@dataclass(frozen=True, slots=True)
class EncodedColumns:
    """Facts of `rows` requests by id, each an array of the dtype of its type (`DTYPES`); absent columns are unknown."""

    rows: int
    facts: Mapping[str, Column]


def encode(schema: Schema, requests: Sequence[ir.Known]) -> EncodedColumns:
    """Columns of known facts that have passed `admit`, with dates as ordinals."""
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
    """What the rulebook makes of each request: bit planes of shape (rules, bytes) and (2 * tracks, bytes), request i
    in bit 7 - i % 8 of byte i // 8, and the severity of each answer (an index of `to_python.ANSWERS`)."""

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


class ColumnEngine:
    """Judges columns by one rulebook."""

    def __init__(self, book: ir.Rulebook) -> None:
        self._schema = book.schema
        self._nodes: dict[
            Normal, int
        ] = {}  # every part of every condition once, parts before what they are part of
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
            (
                _bits(fold.forbid),
                _bits(fold.require),
                _bits(fold.review),
                _bits(fold.oblige),
                [(_bits(grounds), _bits(reviews)) for grounds, reviews in fold.grounds],
            )
            for fold in folds(book)
        ]

    def _node(self, form: Normal) -> int:
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
        np.bitwise_xor(maybe, planes.all, out=maybe)
        for i, node in self._needs.items():
            met[i] = truth[node][0]
        given = {i: truth[nodes[0]][0] for i, nodes in self._said.items()}
        refused = {i: truth[nodes[1]][0] for i, nodes in self._said.items()}
        hopes = {i: ~truth[node][1] for i, node in self._hopes.items()}
        opened = []
        for t, node in enumerate(self._tracks):
            true, false = truth[node]
            result.tracks[2 * t, at] = true
            result.tracks[2 * t + 1, at] = ~(true | false) & planes.all
            opened.append(~false)

        def may(i: int) -> Plane:
            plane: Plane = fired[i] | maybe[i]
            return plane

        steps = [
            planes.none() for _ in ANSWERS
        ]  # by severity: some line of the table contributes it
        for forbids, requires, reviews, obliges, grounds in self._folds:
            for i in obliges:
                steps[1] |= may(i)
            for i in reviews:
                steps[2] |= may(i) & ~given[i]
                steps[4] |= may(i) & refused[i]
            for i in requires:
                steps[3] |= may(i) & ~met[i]
            for i in forbids:
                steps[3] |= maybe[i]
                steps[4] |= fired[i]
            for t, (own, mays) in enumerate(grounds):
                lacks = opened[t].copy()
                pending, hope = planes.none(), planes.none()
                for i in own:
                    lacks &= ~fired[i]
                    hope |= hopes[i]
                for i in mays:
                    lacks &= ~(fired[i] & given[i])
                    pending |= fired[i] & ~refused[i]
                    hope |= hopes[i] & ~refused[i]
                steps[2] |= lacks & pending
                lacks &= ~pending
                steps[3] |= lacks & hope
                steps[4] |= lacks & ~hope
        severity = result.severity[first:last]
        severity[:] = 0
        for level in range(1, len(ANSWERS)):
            np.maximum(
                severity,
                np.unpackbits(steps[level], count=last - first) * np.uint8(level),
                out=severity,
            )


class _Planes:
    """Bit planes of the atoms of one block, each made once."""

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
        """For each form of a program, where it is known to hold and where it is known to fail."""
        made: list[tuple[Plane, Plane]] = []
        for form, parts in program:
            if isinstance(form, Literal):
                true, false = self._atom(form.atom)
                made.append((true, false) if form.holds else (false, true))
                continue
            # of a conjunction: true where all are, false where one is; of a disjunction the other way round
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
        """Where an atom holds; anything may stand where it reads an unknown fact."""
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
                return held & ~listed == 0 if op == "subset" else held & listed != 0  # type: ignore[no-any-return]
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
