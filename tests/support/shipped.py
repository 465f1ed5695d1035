"""The shipped rulebook, parsed once in each process: it takes a second, and nothing changes it."""

from __future__ import annotations

from functools import cache

from heyi.policy.engines.build import Build, load_build
from heyi.policy.language import ir
from heyi.policy.language.check import compile_rulebook
from heyi.policy.language.jurisdictions import CONSORTIUM_FILE
from heyi.sources.rulebook import read_build, read_rulebook


@cache
def shipped_book() -> ir.Rulebook:
    """With its worked cases, which a build has not."""
    return compile_rulebook(read_rulebook())


@cache
def every_pack() -> ir.Rulebook:
    """The packs of all jurisdictions, whatever the consortium has adopted."""
    texts = read_rulebook()
    return compile_rulebook({n: text for n, text in texts.items() if n != CONSORTIUM_FILE})


@cache
def shipped_build() -> Build:
    """The build of the shipped rulebook."""
    ready = load_build(read_build(), read_rulebook())
    assert ready is not None, "the shipped build is not that of the packs: run `make rules`"
    return ready
