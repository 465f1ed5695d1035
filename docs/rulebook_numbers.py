"""Writes the size of the rulebook into the READMEs, so that no number is typed by hand.

    python -m docs.rulebook_numbers        (part of make rules)

A number stands between two comments, as `<!--rules-->135<!--/-->`: the comment names it.
"""

from __future__ import annotations

import re
import sys
from dataclasses import asdict
from pathlib import Path

from heyi.policy.language.check import compile_rulebook
from heyi.policy.language.counts import counts
from heyi.policy.language.jurisdictions import CONSORTIUM_FILE
from heyi.sources.rulebook import read_rulebook

ROOT = Path(__file__).resolve().parents[1]
READMES = ("README.md", "README.zh-CN.md")
_NUMBER = re.compile("<!--([a-z-]+)-->[0-9,]*<!--/-->")


def numbers() -> dict[str, int]:
    """The counts of the packs that bind; those of all packs have names that begin with `all-`."""
    texts = read_rulebook()
    whole = {name: text for name, text in texts.items() if name != CONSORTIUM_FILE}
    bound, everything = counts(compile_rulebook(texts)), counts(compile_rulebook(whole))
    return asdict(bound) | {f"all-{name}": n for name, n in asdict(everything).items()}


def rendered(text: str, found: dict[str, int]) -> str:
    """The text with every number between its comments renewed.

    Raises:
        KeyError: a comment names a number that there is none of.
    """
    return _NUMBER.sub(lambda m: f"<!--{m[1]}-->{found[m[1]]:,}<!--/-->", text)


def main() -> int:
    found = numbers()
    for name in READMES:
        path = ROOT / name
        path.write_text(rendered(path.read_text(encoding="utf-8"), found), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
