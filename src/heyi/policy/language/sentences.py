"""Sentences of a rulebook, in Chinese and in English: `{zh: 禁止, en: forbidden}`."""

from __future__ import annotations

import re
import unicodedata

from heyi.model.decision import Text
from heyi.model.errors import RuleError
from heyi.policy.language.source import Span
from heyi.policy.language.strict_yaml import load_yaml


def is_text(value: object) -> bool:
    """Whether a value is a mapping with a sentence in each language and nothing else."""
    return (
        isinstance(value, dict)
        and set(value) == {"zh", "en"}
        and all(isinstance(v, str) and v for v in value.values())
    )


def parse_text(span: Span) -> Text:
    """`{zh: …, en: …}` as Text.

    Raises:
        RuleError: one of the two languages is absent, or the mapping is malformed.
    """
    try:
        value = load_yaml(span.text, file=span.file, line=1)
    except RuleError as e:
        before = sum(len(line) + 1 for line in span.text.split("\n")[: e.line - 1])
        raise span.error(e.message, before + e.column - 1, hint=e.hint) from None
    if not is_text(value):
        hint = "write {zh: …, en: …}; text with a comma or a colon stands in double quotes"
        if isinstance(value, dict) and (wide := re.match(r"(zh|en)：", str(next(iter(value), "")))):
            hint = f"`：` is full-width; write `{wide[1]}: `"
        raise span.error("the sentence must be in both languages", hint=hint)
    for sentence in value.values():
        if any(unicodedata.category(c) in ("Cc", "Cs") for c in sentence):
            raise span.error(
                "the sentence has a character that cannot be shown", hint="delete it or its escape"
            )
    return Text(zh=value["zh"], en=value["en"])
