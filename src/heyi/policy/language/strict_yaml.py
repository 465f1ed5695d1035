"""YAML and JSON as people write facts in them; a key that is given twice is refused.

Of YAML only plain mappings, lists and scalars are read: no anchors, aliases, tags or merges, and no
dates, hexadecimal numbers or words such as `yes` that turn into values of other types.
"""

from __future__ import annotations

import json
import re
from collections.abc import Hashable
from typing import Any

import yaml

from heyi.model.errors import RuleError

DEPTH = 20
LARGEST = 1_000_000
"""Characters of a document. Parsing takes some five seconds for each million of them."""


class _Loader(yaml.SafeLoader):
    """YAML 1.1 without duplicate keys, anchors, tags, merges and deep nesting.

    A reader must find every value where it counts. Moreover, aliases of aliases grow without bound,
    and a merge overwrites keys silently.
    """

    depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        event: Any = self.peek_event()  # type: ignore[no-untyped-call]
        if getattr(event, "anchor", None) is not None:
            raise yaml.constructor.ConstructorError(
                None,
                None,
                "anchors and aliases are not read",
                event.start_mark,
                "write the value out",
            )
        if getattr(event, "tag", None) is not None:
            raise yaml.constructor.ConstructorError(
                None, None, "tags are not read", event.start_mark, "delete what begins with `!`"
            )
        self.depth += 1
        if self.depth > DEPTH:
            raise yaml.constructor.ConstructorError(
                None, None, "malformed YAML: nested too deeply", event.start_mark
            )
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise yaml.constructor.ConstructorError(
                    None, None, "a key is a word", key.start_mark
                )
            if key.tag == "tag:yaml.org,2002:merge":
                raise yaml.constructor.ConstructorError(
                    None, None, "`<<` is not read", key.start_mark, "write the fields out"
                )
            if key.value in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"duplicate key `{key.value}`", key.start_mark, "delete one"
                )
            seen.add(key.value)
        return super().construct_mapping(node, deep)


# The schema decides what a value is, so `yes` must stay text and not become true, 2026-01-01 must
# not become a date, and 1:30 must not become 90. Only true, false and decimal numbers are read.
_Loader.yaml_implicit_resolvers = {
    k: [
        (tag, rx)
        for tag, rx in v
        if tag.rpartition(":")[2] not in ("timestamp", "bool", "int", "float")
    ]
    for k, v in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^(?:true|false)$"), list("tf"))
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:int", re.compile(r"^(?:0|-?[1-9](?:_?[0-9]){0,17})$"), list("-0123456789")
)


_UNREADABLE = (
    *(yaml.YAMLError, ArithmeticError, ValueError),
    *(TypeError, LookupError, AttributeError),
)
"""What the parser raises for a malformed document, such as a character beyond Unicode."""


def load_yaml(text: str, *, file: str, line: int = 1) -> Any:
    """Parse one YAML document; `line` is where it begins in `file`.

    Raises:
        RuleError: with the place of the first fault; or the document is too large.
    """
    if len(text) > LARGEST:
        raise RuleError(
            f"{len(text):,} characters of YAML are more than the {LARGEST:,} that are read",
            file=file,
            line=line,
            hint="give many requests as Parquet, and a rulebook as several packs",
        )
    try:
        return yaml.load(text, _Loader)
    except yaml.MarkedYAMLError as e:
        mark = e.problem_mark
        at, column = (mark.line, mark.column) if mark else (0, 0)
        lines = text.splitlines()
        excerpt = lines[at] if at < len(lines) else ""
        problem = str(e.problem or "malformed YAML")
        if "'\\t'" in problem:
            problem = "a tab cannot stand here"
        hint = e.note or _hint(problem, "\n".join(lines[max(at - 1, 0) : at + 1]))
        raise RuleError(
            problem, file=file, line=line + at, column=column + 1, excerpt=excerpt, hint=hint
        ) from None
    except RecursionError:
        raise RuleError("malformed YAML: nested too deeply", file=file, line=line) from None
    except _UNREADABLE as e:
        said = (str(e).splitlines() or [type(e).__name__])[0]
        raise RuleError(f"malformed YAML: {said}", file=file, line=line) from None


def _hint(problem: str, around: str) -> str:
    """The hint for a malformed document; `around` is the line of the fault and the line above."""
    if "tab" in problem:
        return "indent with spaces"
    if problem.startswith(("expected", "could not find", "mapping values")):
        if wide := _WIDE.search(around):
            sign = wide[0].strip()[-1] if wide[0].strip()[-1] in _NARROW else wide[0].strip()[0]
            return f"`{sign}` is full-width; write `{_NARROW[sign]}`"
        return "a text with a colon or a comma stands in double quotes, and every bracket is closed"
    return ""


# full-width signs in place of `:`, `,`, `{` and `"`; elsewhere they may be part of a Chinese text
_WIDE = re.compile(r"(?m)(?:^|[{,])\s*[\w.-]+：|，\s*[\w.-]+:|: *[｛“]|^\s*｛")
_NARROW = {"：": ": ", "，": ", ", "｛": "{", "｝": "}", "“": '"', "”": '"'}


def load_json(text: str, *, file: str) -> Any:
    """Parse JSON without duplicate keys.

    Raises:
        RuleError: with the place of the first fault.
    """

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        keys = [k for k, _ in pairs]
        if len(set(keys)) != len(keys):
            twice = next(k for k in keys if keys.count(k) > 1)
            line = next((n for n, t in enumerate(text.splitlines(), 1) if f'"{twice}"' in t), 1)
            raise RuleError(f"duplicate key `{twice}`", file=file, line=line)
        return dict(pairs)

    try:
        return json.loads(text, object_pairs_hook=unique)
    except json.JSONDecodeError as e:
        excerpt = text.splitlines()[e.lineno - 1] if e.lineno <= len(text.splitlines()) else ""
        raise RuleError(
            e.msg.lower(), file=file, line=e.lineno, column=e.colno, excerpt=excerpt
        ) from None
    except RecursionError:
        raise RuleError("malformed JSON: nested too deeply", file=file, line=1) from None
    except ValueError as e:
        raise RuleError(f"malformed JSON: {e}", file=file, line=1) from None
