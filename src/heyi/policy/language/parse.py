"""Conditions: a recursive-descent parser for the subset of CEL in which rules are written.

    condition  = or ;            or  = and { "||" and } ;          and = unary { "&&" unary } ;
    unary      = "!" unary | primary ;
    primary    = "(" condition ")" | call | comparison | fact | "true" | "false" ;
    call       = ( "subset" | "overlap" ) "(" fact "," list ")" ;
    comparison = term ( "==" | "!=" | "<" | "<=" | ">" | ">=" ) term | fact "in" list ;
    term       = fact | integer | string | date ;
    date       = "date" "(" string ")" ;             list = "[" [ literal { "," literal } ] "]" ;

The parser knows no types; `typing` does. Positions count from 0 in the given text.
"""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from dataclasses import dataclass

from heyi.model.errors import HeyiError

_TOKEN = re.compile(
    r"""\s*(?:
      (?P<int>[0-9][0-9_]*)
    | (?P<string>"[^"\n]*")
    | (?P<name>[A-Za-z][A-Za-z0-9_]*(?:\.[A-Za-z0-9_]+)*)
    | (?P<op>&&|\|\||==|!=|<=|>=|[!<>()\[\],])
    )""",
    re.VERBOSE,
)
NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*(?:\.[A-Za-z0-9_]+)*")
_COMPARISONS = ("==", "!=", "<=", ">=", "<", ">")
DEPTH = 60
"""Levels of nesting at most, far below the recursion limit of Python."""
LENGTH = 100_000
"""Characters of a condition at most."""
DIGITS = 16
"""Digits of a number at most."""
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def parse_day(text: str) -> dt.date | None:
    """The day of `YYYY-MM-DD`; None for any other text, other spellings of ISO 8601 included."""
    try:
        return dt.date.fromisoformat(text) if _DAY.fullmatch(text) else None
    except ValueError:
        return None


def why_no_day(text: str) -> str:
    """The hint for a `text` that is not a day."""
    return (
        "the calendar has no such day; dates are YYYY-MM-DD"
        if _DAY.fullmatch(text)
        else "write YYYY-MM-DD"
    )


class ConditionError(HeyiError):
    """A condition does not parse or type-check; packs turn this into a RuleError.

    `at` is the offset in the text. `label` is a word that is not ASCII, in place of a name: perhaps
    it is the label of a fact.
    """

    def __init__(self, message: str, at: int, *, hint: str = "", label: str = "") -> None:
        super().__init__(message, hint=hint)
        self.at = at
        self.label = label


@dataclass(frozen=True, slots=True)
class Name:
    text: str
    at: int


@dataclass(frozen=True, slots=True)
class Lit:
    value: bool | int | str | dt.date
    at: int


@dataclass(frozen=True, slots=True)
class Listing:
    items: tuple[Lit, ...]
    at: int


@dataclass(frozen=True, slots=True)
class Relation:
    """`left op right`; `at` is the offset of the operator."""

    op: str
    left: Name | Lit
    right: Name | Lit
    at: int


@dataclass(frozen=True, slots=True)
class Within:
    """`fact in [..]`."""

    fact: Name
    values: Listing


@dataclass(frozen=True, slots=True)
class FunctionCall:
    """`subset(fact, [..])` or `overlap(fact, [..])`; `op` is the name of the function."""

    op: str
    fact: Name
    values: Listing
    at: int


@dataclass(frozen=True, slots=True)
class Negation:
    of: Tree


@dataclass(frozen=True, slots=True)
class Junction:
    """Two or more conditions joined by `op`, which is `&&` or `||`."""

    op: str
    of: tuple[Tree, ...]


Tree = Name | Lit | Relation | Within | FunctionCall | Negation | Junction


def parse_condition(text: str) -> Tree:
    """Parse one condition.

    Raises:
        ConditionError: with the offset of the first character that does not fit.
    """
    if len(text) > LENGTH:
        raise ConditionError(
            f"a condition has at most {LENGTH} characters", 0, hint="split the rule in two"
        )
    return _Parser(text).whole()


_INSTEAD = {
    **dict.fromkeys("“”„‘’「」『』'", '"'),
    "、": ",",
    "。": ".",
    "≤": "<=",
    "≥": ">=",
    "≠": "!=",
    "且": "&&",
    "或": "||",
    "非": "!",
}
"""Signs of ordinary text, and what a condition has for them. `_stray` finds other full-width signs
by their compatibility form (NFKC)."""


def _stray(text: str, at: int) -> ConditionError:
    """The error for the character at offset `at`, with which no token begins.

    Authors often write Chinese punctuation, labels of facts, or operators of other languages. The
    order of the cases matters: the first that fits has the most exact hint.
    """
    if text[at] == "." and text[at + 1 : at + 2].isalpha():
        at += 1  # the name is broken off by the letter behind the full stop
    c = text[at]
    # a run of full-width signs, such as `＞＝`, whose compatibility form is ASCII
    end = at
    while (
        end < len(text)
        and not text[end].isascii()
        and unicodedata.normalize("NFKC", text[end]).isascii()
    ):
        end += 1
    word = re.compile(r"[\w.]*").fullmatch
    # the whole word around the character
    begin, behind = at, at
    while begin > 0 and word(text[begin - 1]):
        begin -= 1
    while behind < len(text) and word(text[behind]):
        behind += 1
    name = text[begin:behind]
    if c in _INSTEAD and (not c.isalpha() or name == c):
        return ConditionError(f"`{c}` cannot stand here", at, hint=f"write `{_INSTEAD[c]}`")
    if end > at and not c.isspace():
        ascii_ = unicodedata.normalize("NFKC", text[at:end])
        return ConditionError(f"`{text[at:end]}` is full-width", at, hint=f"write `{ascii_}`")
    if c.isalpha():
        hint = (
            "names are ASCII, such as `consent.given`; "
            "the Chinese label of a fact stands in facts.toml"
        )
        message = f"`{name}` is no name: `{c}` (U+{ord(c):04X}) is not ASCII"
        return ConditionError(message, at, hint=hint, label=name)
    if not c.isprintable():
        return ConditionError(
            f"the character U+{ord(c):04X} cannot stand here",
            at,
            hint="delete it; it cannot be seen",
        )
    if c == '"':
        curly = next((q for q in text[at:].split("\n")[0] if q in "“”"), "")
        hint = f'write `"` for `{curly}`' if curly else 'close it with another `"` on the same line'
        return ConditionError("this text is never closed", at, hint=hint)
    hint = {
        "#": "a condition has no comments; write them between the blocks",
        "/": "a condition has no comments; write them between the blocks",
        "-": "names have `_` and no hyphen, and no number is negative",
        **dict.fromkeys("=&|", "compare with == and join with && or ||"),
    }.get(c, "text stands in double quotes")
    return ConditionError(f"`{c}` cannot stand here", at, hint=hint)


class _Parser:
    """One method for each line of the grammar; a token is (kind, text, offset)."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = list(self._lex())
        self.i = 0
        self.depth = 0

    def _lex(self) -> list[tuple[str, str, int]]:
        tokens, at = [], 0
        end = len(self.text.rstrip())
        while at < end:
            m = _TOKEN.match(self.text, at)
            if m is None or m.lastgroup is None:
                raise _stray(self.text, at + len(self.text[at:]) - len(self.text[at:].lstrip()))
            tokens.append((m.lastgroup, m.group(m.lastgroup), m.start(m.lastgroup)))
            at = m.end()
        return [*tokens, ("end", "", end)]

    @property
    def next(self) -> tuple[str, str, int]:
        return self.tokens[self.i]

    def take(self) -> tuple[str, str, int]:
        token = self.tokens[self.i]
        self.i += 1
        return token

    def expect(self, op: str) -> None:
        kind, text, at = self.next
        if kind != "op" or text != op:
            found = f"`{text}`" if text else "the end"
            hint = "close every bracket that is opened" if op in (")", "]") else ""
            raise ConditionError(f"expected `{op}` but found {found}", at, hint=hint)
        self.i += 1

    def whole(self) -> Tree:
        tree = self.disjunction()
        kind, text, at = self.next
        if kind != "end":
            hint = (
                "write two comparisons and join them with &&"
                if text in _COMPARISONS
                else "join conditions with && or ||"
            )
            raise ConditionError(f"`{text}` cannot stand here", at, hint=hint)
        return tree

    def disjunction(self) -> Tree:
        return self.joined("||", self.conjunction)

    def conjunction(self) -> Tree:
        return self.joined("&&", self.unary)

    def joined(self, op: str, part: object) -> Tree:
        # every bracket passes here, so this bounds the recursion
        assert callable(part)
        self.depth += 1
        if self.depth > DEPTH:
            raise ConditionError(
                "the condition is nested too deeply", self.next[2], hint="split the rule in two"
            )
        parts = [part()]
        while self.next[:2] == ("op", op):
            self.i += 1
            parts.append(part())
        self.depth -= 1
        return parts[0] if len(parts) == 1 else Junction(op, tuple(parts))

    def unary(self) -> Tree:
        if self.next[:2] == ("op", "!"):
            self.i += 1
            self.depth += 1
            if self.depth > DEPTH:
                raise ConditionError("the condition is nested too deeply", self.next[2])
            tree = Negation(self.unary())
            self.depth -= 1
            return tree
        return self.primary()

    def primary(self) -> Tree:
        kind, text, at = self.next
        if (kind, text) == ("op", "("):
            self.i += 1
            tree = self.disjunction()
            self.expect(")")
            return tree
        if (
            kind == "name"
            and text in ("subset", "overlap")
            and self.tokens[self.i + 1][:2] == ("op", "(")
        ):
            self.i += 2
            fact = self.fact()
            self.expect(",")
            values = self.listing()
            self.expect(")")
            return FunctionCall(text, fact, values, at)
        left = self.term()
        kind, text, at = self.next
        if kind == "op" and text in _COMPARISONS:
            self.i += 1
            return Relation(text, left, self.term(), at)
        if (kind, text) == ("name", "in"):
            self.i += 1
            if not isinstance(left, Name):
                raise ConditionError("only a fact can stand before `in`", left.at)
            return Within(left, self.listing())
        return left

    def fact(self) -> Name:
        kind, text, at = self.take()
        if kind != "name":
            raise ConditionError(f"expected a fact but found `{text}`", at)
        return Name(text, at)

    def listing(self) -> Listing:
        at = self.next[2]
        self.expect("[")
        items: list[Lit] = []
        while self.next[:2] != ("op", "]"):
            if items:
                self.expect(",")
            item = self.term()
            if not isinstance(item, Lit):
                raise ConditionError(
                    f"`{item.text}` is not a value", item.at, hint="text stands in double quotes"
                )
            items.append(item)
        self.expect("]")
        return Listing(tuple(items), at)

    def term(self) -> Name | Lit:
        kind, text, at = self.take()
        if kind == "int":
            if len(text) > DIGITS:
                hint = "the range of a fact stands in facts.toml"
                raise ConditionError(f"a number has at most {DIGITS} digits", at, hint=hint)
            return Lit(int(text.replace("_", "")), at)
        if kind == "string":
            return Lit(text[1:-1], at)
        if kind == "name" and text in ("true", "false"):
            return Lit(text == "true", at)
        if kind == "name" and text == "date" and self.next[:2] == ("op", "("):
            self.expect("(")
            kind, quoted, at = self.take()
            day = parse_day(quoted[1:-1]) if kind == "string" else None
            if day is None:
                found = quoted or "the end"
                hint = why_no_day(quoted[1:-1]) if kind == "string" else 'write date("2026-01-01")'
                raise ConditionError(f"{found} is not a date", at, hint=hint)
            self.expect(")")
            return Lit(day, at)
        if kind == "name" and self.next[:2] == ("op", "("):
            raise ConditionError(
                f"there is no function `{text}`", at, hint="there are subset, overlap and date"
            )
        if kind == "name":
            return Name(text, at)
        raise ConditionError(
            f"expected a fact or a value but found {f'`{text}`' if text else 'the end'}", at
        )
