"""The payload of a permit token: the canonical bytes of a permit, which three parties sign."""

from __future__ import annotations

import re

from heyi.crypto.canonical import canonical, from_canonical
from heyi.crypto.codec import from_json, to_json
from heyi.model.errors import InvalidInput, VerificationError
from heyi.model.permit import Permit

_FIELD = re.compile(r" - at .*`\$\.(\w+)")


def to_payload(permit: Permit) -> bytes:
    """The canonical bytes of a permit."""
    return canonical(to_json(permit))


def from_payload(data: bytes) -> Permit:
    """The permit of canonical bytes; the inverse of `to_payload`.

    Raises:
        VerificationError: the bytes are not canonical, a field is missing, unknown or of another
            type, or the permit makes no sense.
    """
    value = from_canonical(data)
    try:
        return from_json(value, Permit)
    except InvalidInput as e:
        if not e.message.startswith("is no permit"):  # the class refused the values
            raise VerificationError(f"not a permit: {e.message}") from None
        # The codec names the place as in `Expected `str`, got `null` - at `$.kinds[0]``. The error
        # for people names the field only.
        field = _FIELD.search(e.message)
        detail = f": `{field[1]}` is malformed" if field else ""
        raise VerificationError(f"not a permit{detail}") from None
