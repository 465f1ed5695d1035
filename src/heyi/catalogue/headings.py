"""The dictionary of headings: which kind the heading of a column names."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

from heyi.catalogue.kinds import all_kinds
from heyi.catalogue.values import half_width
from heyi.model.errors import InvalidInput

_BRACKETS = re.compile(r"[(\[【{〔]([^)\]】}〕]*)[)\]】}〕]")
_PUNCTUATION = re.compile(r"[\s_\-./:、,*#·]+")
_SUFFIX = re.compile(r"(代码|编码|code)$")
_PREFIX = re.compile(r"^(患者|病人|居民|本人|是否|patient)")


def normalise(heading: str) -> str:
    """The heading without case, spaces, punctuation and remarks in brackets (often units)."""
    return _PUNCTUATION.sub("", _BRACKETS.sub("", half_width(heading).casefold()))


def bracketed(heading: str) -> tuple[str, ...]:
    """The texts in the brackets of a heading, usually a unit."""
    return tuple(text.strip() for text in _BRACKETS.findall(half_width(heading)) if text.strip())


@cache
def _dictionary() -> Mapping[str, str]:
    entries: dict[str, str] = {}
    for kind in all_kinds().values():
        for header in kind.headers:
            # INVARIANT: a heading names one kind; grades must not depend on the order of the file.
            if entries.setdefault(normalise(header), kind.id) != kind.id:
                raise InvalidInput(
                    f"heading `{header}` names two kinds", hint="keep it under one kind"
                )
    return MappingProxyType(entries)


def look_up(heading: str) -> str | None:
    """The id of the kind that the heading names, or None."""
    word = normalise(heading)
    for candidate in (
        word,
        _SUFFIX.sub("", word),
        _PREFIX.sub("", word),
        _PREFIX.sub("", _SUFFIX.sub("", word)),
    ):
        if candidate in _dictionary():
            return _dictionary()[candidate]
    return None
