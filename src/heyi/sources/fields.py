"""Read TOML files that people write, with the type and range of each field checked."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from heyi.model.errors import InvalidInput, RuleError
from heyi.model.fact import Value
from heyi.policy.language.strict_toml import load_toml
from heyi.settlement.evaluate import described
from heyi.sources.data_folder import check_regular

LARGEST = 2**53 - 1
"""The largest number that canonical JSON takes, and so the largest that can be registered."""


def read_toml(path: Path, hint: str) -> dict[str, Any]:
    """The content of a TOML file.

    Raises:
        FileNotFoundError: there is none.
        InvalidInput: it is no regular file, or is no UTF-8 TOML.
    """
    try:
        check_regular(path)
        return load_toml(path.read_text(encoding="utf-8"), file="it")
    except FileNotFoundError:
        raise
    except RuleError as e:
        raise InvalidInput(f"cannot read `{path}`: {e.message}", hint=hint) from None
    except (OSError, UnicodeDecodeError) as e:
        raise InvalidInput(f"cannot read `{path}`: {e}", hint=hint) from None


@contextmanager
def errors_in(path: Path, hint: str) -> Iterator[None]:
    """Put the name of the file before each error about its content; `hint` goes with all others."""
    try:
        yield
    except InvalidInput as e:
        raise InvalidInput(f"{path}: {e.message}", hint=e.hint or hint) from None
    except ValueError as e:  # a word that no enum has
        raise InvalidInput(f"{path}: {e}", hint=hint) from None


class Fields:
    """The fields of one table of a TOML file; every error names the table and the field.

    A field with a default may be missing. All methods raise InvalidInput if the field is missing,
    is of another type or is out of range.
    """

    def __init__(self, table: object, where: str, known: Collection[str] = ()) -> None:
        """`where` names the table in errors; if `known` is given, other keys are errors."""
        if not isinstance(table, dict):
            raise InvalidInput(f"{where}it is no table", hint=f"one of {', '.join(sorted(known))}")
        self._table: dict[str, Any] = table
        self._where = where
        if known and (unknown := sorted(set(table) - set(known))):
            raise InvalidInput(
                f"{where}unknown key `{unknown[0]}`", hint=f"one of {', '.join(sorted(known))}"
            )

    def __contains__(self, key: str) -> bool:
        return key in self._table

    def _get(self, key: str, default: object) -> Any:
        if key in self._table:
            return self._table[key]
        if default is None:
            raise InvalidInput(f"{self._where}{key} is missing")
        return default

    def _refuse(self, key: str, wanted: str, value: object) -> InvalidInput:
        return InvalidInput(f"{self._where}{key} must be {wanted}, not {described(value)[:60]}")

    def text(self, key: str, default: str | None = None) -> str:
        """A text that is not empty."""
        value = self._get(key, default)
        if not isinstance(value, str) or (key in self._table and not value.strip()):
            raise self._refuse(key, "a text that is not empty", value)
        return value

    def texts(self, key: str, default: tuple[str, ...] | None = None) -> tuple[str, ...]:
        """A list of texts that are not empty; the list may be."""
        value = self._get(key, default)
        if not isinstance(value, list | tuple) or not all(
            isinstance(v, str) and v.strip() for v in value
        ):
            raise self._refuse(key, "a list of texts", value)
        return tuple(value)

    def whole(self, key: str, low: int, high: int, default: int | None = None) -> int:
        """A whole number from `low` to `high`."""
        value = self._get(key, default)
        if type(value) is int and low <= value <= high:
            return value
        if low == 1 and (type(value) is not int or value < 1):
            raise self._refuse(key, "a whole number above zero", value)
        raise self._refuse(key, f"a whole number from {low:,} to {high:,}", value)

    def flag(self, key: str) -> bool:
        """True or false."""
        value = self._get(key, None)
        if not isinstance(value, bool):
            raise self._refuse(key, "true or false", value)
        return value

    def table(self, key: str, default: dict[str, Any] | None = None) -> dict[str, Any]:
        """A table, whose fields are not checked here."""
        value = self._get(key, default)
        if not isinstance(value, dict):
            raise self._refuse(key, "a table", value)
        return value

    def rows(self, key: str, known: Collection[str], default: object = None) -> list[Fields]:
        """A list of tables with known keys."""
        value = self._get(key, default)
        if not isinstance(value, list):
            raise self._refuse(key, "a list of tables", value)
        return [Fields(row, f"{self._where}{key}: ", known) for row in value]

    def facts(self, key: str) -> dict[str, Value]:
        """A table of facts by their quoted names; the rulebook checks names and ranges later."""
        found = self.table(key, {})
        for name, value in found.items():
            if isinstance(value, dict):
                raise InvalidInput(
                    f"{self._where}{key}: `{name}` holds a table",
                    hint='write the name of a fact in quotes, such as "act.purpose"',
                )
            words = value if isinstance(value, list) else [value]
            plain = (str,) if isinstance(value, list) else (bool, int, str, dt.date)
            # a moment of time is a `date` to `isinstance`
            if not all(isinstance(w, plain) and not isinstance(w, dt.datetime) for w in words) or (
                isinstance(value, int) and abs(value) > LARGEST
            ):
                raise InvalidInput(
                    f"{self._where}{key}: `{name}` cannot be {described(value)[:60]}",
                    hint="true or false, a whole number, a text, a day, or a list of texts",
                )
        return found

    def numbers(self, key: str) -> Mapping[str, int]:
        """A table of whole numbers by name, each at most 10^18 either way."""
        found = self._get(key, {})
        if not isinstance(found, dict):
            raise InvalidInput(
                f'{self._where}a {key} is written {key} = {{ "a" = 3, "b" = 2, "a b" = 4 }}'
            )
        for name in found:
            Fields(found, f"{self._where}{key}: ").whole(name, -(10**18), 10**18)
        return found
