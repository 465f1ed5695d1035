"""Decode bytes as UTF-8 or GB18030, strictly; an error names the first bad byte."""

from __future__ import annotations

import re
import unicodedata

from heyi.model.errors import InvalidInput

_BOM = b"\xef\xbb\xbf"
_HAN = re.compile("[\u2e80-\u9fff\uff00-\uffef]")
_CONTAINERS = (
    (
        b"PK\x03\x04",
        "an Excel workbook or a zip archive",
        "open it in Excel and save as `CSV UTF-8`",
    ),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook", "open it in Excel and save as `CSV UTF-8`"),
    (b"\xff\xfe", "UTF-16", "save it as UTF-8"),
    (b"\xfe\xff", "UTF-16", "save it as UTF-8"),
    (b"%PDF", "a PDF document", "export the data as CSV"),
)


def _place(data: bytes, offset: int, name: str) -> str:
    """File, line and byte offset for an error."""
    return f"{name}:{data.count(bytes([10]), 0, offset) + 1}: byte {offset}"


def _first_odd(text: str, categories: tuple[str, ...]) -> int | None:
    """The index of the first U+FFFD or character of one of the Unicode `categories`."""
    # Characters of these categories do not occur in correct exports. Each different character is
    # examined once, because a file has many characters but few different ones.
    odd = {
        c
        for c in set(text)
        # Planes 2 and 3 hold rare Han characters. This version of Python may not know all of them.
        if c == "\ufffd"
        or (
            unicodedata.category(c) in categories
            and c not in "\t\r\n"
            and not 0x20000 <= ord(c) < 0x40000
        )
    }
    return next((i for i, c in enumerate(text) if c in odd), None) if odd else None


def _utf8_failure(data: bytes) -> tuple[str, int | None]:
    """The text and None, or an empty text and the offset of the first bad byte."""
    try:
        return data.decode("utf-8"), None
    except UnicodeDecodeError as e:
        return "", e.start


def _gb_failure(data: bytes) -> tuple[str, int | None]:
    """The same for GB18030."""
    try:
        text = data.decode("gb18030")
    except UnicodeDecodeError as e:
        return "", e.start
    # GB18030 accepts almost all bytes. Wrong data shows as unassigned or private characters.
    odd = _first_odd(text, ("Cc", "Co", "Cn", "Cs"))
    return (text, None) if odd is None else ("", len(text[:odd].encode("gb18030")))


def _is_cut_off(tail: bytes) -> bool:
    """Whether the file ends inside a UTF-8 character of three or four bytes."""
    # The first byte says how many bytes the character has; every further one is 10xxxxxx.
    wanted = 3 if 0xE0 <= tail[0] < 0xF0 else 4 if 0xF0 <= tail[0] < 0xF5 else 0
    return len(tail) < wanted and all(0x80 <= b < 0xC0 for b in tail[1:])


def _utf8_han_line(data: bytes) -> int | None:
    """The offset of the first line that is Chinese in UTF-8, None if there is none."""
    # Bytes of GB18030 are very rarely valid UTF-8 with Chinese characters in it.
    start = 0
    for line in data.split(b"\n"):
        if not line.isascii():
            text, bad = _utf8_failure(line)
            if bad is None and _HAN.search(text):
                return start
        start += len(line) + 1
    return None


def decode_text(data: bytes, name: str) -> tuple[str, str]:
    """The text and its encoding: `utf-8-sig`, `utf-8` or `gb18030`.

    `name` is the name of the file in errors.

    Raises:
        InvalidInput: the bytes are neither, or the file mixes both; with line and byte offset.
    """
    for magic, what, hint in _CONTAINERS:
        if data.startswith(magic):
            raise InvalidInput(f"`{name}` is {what}, not CSV text", hint=hint)
    bom = len(_BOM) if data.startswith(_BOM) else 0
    # (1) UTF-8, with or without a byte-order mark.
    text, bad = _utf8_failure(data[bom:])
    if bad is None:
        if (odd := _first_odd(text, ("Cc",))) is not None:
            offset = bom + len(text[:odd].encode())
            raise InvalidInput(
                f"{_place(data, offset, name)} is a control character or the trace of a lost one",
                hint="export the file again; it may be damaged or binary",
            )
        return text, "utf-8-sig" if bom else "utf-8"
    bad += bom
    # (2) A file that changes its encoding: some lines are Chinese in UTF-8, others in GB18030 only.
    line_start = data.rfind(b"\n", 0, bad) + 1
    bad_line = data[line_start:].split(b"\n", 1)[0]
    han = _utf8_han_line(data[bom:])
    if bom or han is not None:
        if _is_cut_off(data[bad:]):
            raise InvalidInput(
                f"{_place(data, bad, name)} begins a character that the file does not finish",
                hint="the copy was cut off: copy or export the file again",
            )
        if _gb_failure(bad_line)[1] is not None:
            raise InvalidInput(
                f"{_place(data, bad, name)} is not valid UTF-8",
                hint="export the file again as UTF-8",
            )
        # If the file begins in UTF-8, the encoding changes at the first bad byte. If it begins in
        # GB18030, it changes at the first UTF-8 line.
        offset = bad if bom or han is None or bom + han < bad else _first_high_byte(data, han)
        raise InvalidInput(
            f"{_place(data, offset, name)} changes encoding: the file mixes UTF-8 and GB18030",
            hint="export it in one piece, or convert both parts to UTF-8 before joining them",
        )
    # (3) GB18030.
    text, odd = _gb_failure(data)
    if odd is None:
        return text, "gb18030"
    raise InvalidInput(
        f"{_place(data, max(bad, odd), name)} is neither UTF-8 nor GB18030",
        hint="export the file again as UTF-8",
    )


def _first_high_byte(data: bytes, start: int) -> int:
    return next(i for i in range(start, len(data)) if data[i] > 0x7F)
