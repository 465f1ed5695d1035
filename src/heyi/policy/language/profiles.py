"""Profiles (`profiles.yaml`): named sets of facts, for worked cases and for people who ask.

    county-hospital:
      like: [hospital]
      requester.tier: county

A profile has the facts of those in `like`, overridden by its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from functools import lru_cache

from heyi.model.errors import InvalidInput, RuleError
from heyi.policy.language.parse import DEPTH
from heyi.policy.language.schema import Schema
from heyi.policy.language.source import lines_of
from heyi.policy.language.strict_yaml import load_yaml

PROFILES_FILE = "profiles.yaml"


@lru_cache(maxsize=8)
def _profiles(text: str) -> Mapping[str, Mapping[str, object]]:
    """The profiles of a text; remembered, since every worked case asks for them."""
    lines_of(text, file=PROFILES_FILE)
    profiles = load_yaml(text, file=PROFILES_FILE) or {}
    if not isinstance(profiles, dict) or not all(
        isinstance(name, str) and isinstance(p, dict) for name, p in profiles.items()
    ):
        hint = "write name: {fact: value}; a name is a word"
        raise RuleError(
            "profiles are named mappings of facts", file=PROFILES_FILE, line=1, hint=hint
        )
    return profiles


def expand_profiles(names: list[str], texts: Mapping[str, str]) -> dict[str, object]:
    """Facts of named profiles; later profiles override earlier ones.

    Raises:
        InvalidInput: a name is of no profile, or profiles are like one another in a circle.
    """
    profiles = _profiles(texts.get(PROFILES_FILE, "{}"))
    known: dict[str, dict[str, object]] = {}

    def one(name: str, above: tuple[str, ...]) -> dict[str, object]:
        if isinstance(name, str) and name in known:
            return known[name]
        if not isinstance(name, str) or name not in profiles or name in above:
            if name in above:
                circle = " → ".join([*above[above.index(name) :], name])
                raise InvalidInput(f"`{name}` is like itself", hint=f"break the circle {circle}")
            near = get_close_matches(str(name), profiles, 1)
            hint = (
                f"one of {', '.join(profiles)}"
                if profiles
                else f"the rulebook has no {PROFILES_FILE}"
            )
            raise InvalidInput(
                f"unknown profile `{name}`", hint=f"did you mean `{near[0]}`?" if near else hint
            )
        if len(above) > DEPTH:
            raise InvalidInput(f"profile `{name}` is nested too deeply")
        body = dict(profiles[name])
        facts: dict[str, object] = {}
        parents = body.pop("like", [])
        if isinstance(parents, str):
            parents = [parents]
        if not isinstance(parents, list):
            raise InvalidInput("`like` is no list of profiles", hint="write like: [one, two]")
        for parent in parents:
            facts |= one(parent, (*above, name))
        known[name] = facts | body
        return known[name]

    result: dict[str, object] = {}
    for name in names:
        result |= one(name, ())
    return result


def check_profiles(schema: Schema, texts: Mapping[str, str]) -> None:
    """Check that every profile holds known facts with values of their types.

    Raises:
        RuleError: one does not, whether or not a case uses it.
    """
    for name in _profiles(texts.get(PROFILES_FILE, "{}")):
        try:
            for fact, value in expand_profiles([name], texts).items():
                if schema.spec(fact).derived:
                    raise InvalidInput(f"`{fact}` is derived", hint="state what it is made of")
                schema.spec(fact).check(value)
        except InvalidInput as e:
            lines = lines_of(texts[PROFILES_FILE], file=PROFILES_FILE)
            line = next((n for n, t in enumerate(lines, 1) if t.startswith(f"{name}:")), 1)
            message = f"profile `{name}`: {e.message}"
            raise RuleError(
                message, file=PROFILES_FILE, line=line, excerpt=lines[line - 1], hint=e.hint
            ) from None
