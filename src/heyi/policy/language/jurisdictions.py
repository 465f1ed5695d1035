"""The jurisdictions that bind a consortium: `jurisdictions = ["cn", "eu"]` in `consortium.toml`.

Packs of other jurisdictions are read and checked, but their rules bind nobody.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from heyi.model.errors import RuleError
from heyi.policy.language.strict_toml import load_toml

CONSORTIUM_FILE = "consortium.toml"


def named_jurisdictions(texts: Mapping[str, str], there: Sequence[str]) -> tuple[str, ...]:
    """The jurisdictions that the consortium names, in order; without the file, all that have packs.

    `there` are the jurisdictions that have packs.

    Raises:
        RuleError: the file is malformed, or names a jurisdiction that no pack has.
    """
    if CONSORTIUM_FILE not in texts:
        return tuple(sorted(there))
    hint = f'write jurisdictions = ["{there[0] if there else "cn"}"]'
    said = load_toml(texts[CONSORTIUM_FILE], file=CONSORTIUM_FILE, hint=hint)
    names = said.get("jurisdictions")
    if set(said) != {"jurisdictions"} or not isinstance(names, list) or not names:
        message = (
            f"{CONSORTIUM_FILE} names the jurisdictions that apply, at least one, and nothing else"
        )
        raise RuleError(message, file=CONSORTIUM_FILE, line=1, hint=hint)
    for name in names:
        if name not in there:
            message = f"no pack is of the jurisdiction `{name}`"
            raise RuleError(
                message, file=CONSORTIUM_FILE, line=1, hint=f"there are packs of {', '.join(there)}"
            )
    return tuple(sorted(set(names)))


def with_jurisdictions(texts: Mapping[str, str], names: Sequence[str]) -> dict[str, str]:
    """The texts of the rulebook with `consortium.toml` naming these jurisdictions."""
    listed = ", ".join(f'"{name}"' for name in names)
    return {**texts, CONSORTIUM_FILE: f"jurisdictions = [{listed}]\n"}
