"""TOML as people write it: what cannot be read is told with its file and line."""

from __future__ import annotations

import re
import tomllib
from typing import Any

from heyi.model.errors import RuleError


def load_toml(text: str, *, file: str, hint: str = "") -> dict[str, Any]:
    """Parse a TOML document.

    Raises:
        RuleError: it is malformed, nested too deeply, or holds a number that is too long.
    """
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as e:
        line = int(m[1]) if (m := re.search(r"at line (\d+)", str(e))) else 1
        raise RuleError(f"{file} is not TOML: {e}", file=file, line=line, hint=hint) from None
    except (ValueError, RecursionError):  # Python converts no number of thousands of digits
        message = f"{file} is not TOML: a number is too long, or it is nested too deeply"
        raise RuleError(message, file=file, line=1, hint=hint) from None
