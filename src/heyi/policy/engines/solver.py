"""z3, from the extra `rules`; code that proves something imports it from here."""

from __future__ import annotations

from heyi.model.errors import InvalidInput

try:
    import z3 as z3
except ImportError:
    raise InvalidInput("this needs the z3 solver", hint="pip install 'heyi[rules]'") from None
