"""Profiles: named sets of facts (`profiles.yaml`), for worked cases and for people who ask."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from functools import lru_cache

from heyi.model.errors import InvalidInput, RuleError
from heyi.policy.facts import Schema
from heyi.policy.strict_yaml import load_yaml

PROFILES_FILE = "profiles.yaml"


@lru_cache(maxsize=8)
def _profiles(text: str) -> Mapping[str, Mapping[str, object]]:
    """The profiles of a text; read once, since every worked case asks for them."""
    profiles = load_yaml(text, file=PROFILES_FILE) or {}
    if not isinstance(profiles, dict) or not all(isinstance(p, dict) for p in profiles.values()):
        raise RuleError("profiles are named mappings of facts", file=PROFILES_FILE, line=1)
    return profiles


def expand_profiles(names: list[str], texts: Mapping[str, str]) -> dict[str, object]:
    """Facts of named profiles (`profiles.yaml`), later ones prevailing; a profile may be `like` others.

    Raises:
        InvalidInput: there is no such profile, or profiles are like one another in a circle.
    """
    profiles = _profiles(texts.get(PROFILES_FILE, "{}"))

    def one(name: str, above: tuple[str, ...]) -> dict[str, object]:
        if not isinstance(name, str) or name not in profiles or name in above:
            near = get_close_matches(str(name), profiles, 1)
            hint = f"did you mean `{near[0]}`?" if near else f"one of {', '.join(profiles)}"
            raise InvalidInput(
                f"unknown profile `{name}`" if name not in above else f"`{name}` is like itself", hint=hint
            )
        body = dict(profiles[name])
        facts: dict[str, object] = {}
        parents = body.pop("like", [])
        if isinstance(parents, str):
            parents = [parents]
        if not isinstance(parents, list):
            raise InvalidInput(f"profile `{name}` is like something that is no list of profiles")
        for parent in parents:
            facts |= one(parent, (*above, name))
        return facts | body

    result: dict[str, object] = {}
    for name in names:
        result |= one(name, ())
    return result


def check_profiles(schema: Schema, texts: Mapping[str, str]) -> None:
    """Every profile holds known facts with values of their types, whether or not a case uses it."""
    for name in _profiles(texts.get(PROFILES_FILE, "{}")):
        try:
            for fact, value in expand_profiles([name], texts).items():
                schema.spec(fact).check(value)
        except InvalidInput as e:
            lines = texts[PROFILES_FILE].splitlines()
            line = next((n for n, t in enumerate(lines, 1) if t.startswith(f"{name}:")), 1)
            message = f"profile `{name}`: {e.message}"
            raise RuleError(message, file=PROFILES_FILE, line=line, hint=e.hint) from None
