"""What `heyi rules build` writes beside a rulebook, so that no decision waits for a compiler.

    built/ir.json        the parsed form            built/layout.json    slots of the packed words
    built/manifest.json  the rulebook's digest and that of each file; it says which code built it
    built/bytecode.json  creation code, selectors, compiler, EVM version

Two degrees of trust. The parsed form is believed where the reader made it or installed it: from the
wheel, or from the reader's own cache. Of a build that lies beside somebody's rulebook only the
bytecode is taken: a virtual machine runs it in lockstep with Python that the reader generates.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files as resources
from typing import Any

from heyi.crypto.canonical import canonical, digest, digest_bytes
from heyi.crypto.codec import from_json, to_json
from heyi.model.errors import InvalidInput, VerificationError
from heyi.policy.engines.bytecode import Bytecode, compile_contracts
from heyi.policy.engines.packed import layout, layout_table
from heyi.policy.language import ir, ir_json
from heyi.policy.language.facts_file import load_schema
from heyi.policy.language.typing import FACTS_FILE

FORMAT = 2
GENERATORS = {
    "language": (
        *("check", "deadline", "facts_file", "front_matter", "ir", "ir_json", "jurisdictions"),
        *("norms", "pack", "parse", "schema", "sentences", "source", "strict_toml"),
        *("strict_yaml", "typing"),
    ),
    "engines": ("bit_tests", "bytecode", "normal_form", "packed", "to_vyper"),
}
"""The modules whose code decides what a build holds; after a change of one it is made anew."""
MANIFEST, IR, LAYOUT, BYTECODE = "manifest.json", "ir.json", "layout.json", "bytecode.json"
FILES = (MANIFEST, IR, LAYOUT, BYTECODE)
_UNREADABLE = (ValueError, LookupError, TypeError, AttributeError, RecursionError, InvalidInput)
"""What reading a file raises that no build has, such as a list where a mapping is expected."""


@dataclass(frozen=True, slots=True)
class Build:
    """A rulebook ready to decide; `bytecode` is None where no compiler was there to make it."""

    book: ir.Rulebook
    bytecode: Bytecode | None


def build(book: ir.Rulebook) -> dict[str, bytes]:
    """The files of a build by name. The same rulebook gives the same bytes.

    Raises:
        InvalidInput: the compiler is not installed.
    """
    code = compile_contracts(book)
    table = {
        "layout": layout(book.schema),
        "words": book.schema.words,
        "facts": layout_table(book.schema),
    }
    files = parsed_form(book) | {LAYOUT: _json(table), BYTECODE: _json(to_json(code))}
    return files | {
        MANIFEST: _manifest(book, files, compiler=code.compiler, evm_version=code.evm_version)
    }


def parsed_form(book: ir.Rulebook) -> dict[str, bytes]:
    """The files of a build without bytecode, which no compiler is needed for."""
    files = {IR: _json(ir_json.to_json(book))}
    return files | {MANIFEST: _manifest(book, files)}


def _manifest(book: ir.Rulebook, files: Mapping[str, bytes], **more: str) -> bytes:
    made: dict[str, Any] = {
        "format": FORMAT,
        "generators": generators(),
        "rulebook": book.digest,
        "layout": layout(book.schema),
        "rules": len(book.rules),
        "files": {n: digest_bytes(content) for n, content in files.items() if n != MANIFEST},
    }
    return canonical(made | more)


def _json(value: Any) -> bytes:
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return (text + "\n").encode()


@lru_cache(maxsize=1)
def generators() -> str:
    """Digest of the modules that make builds."""
    files = (
        resources(f"heyi.policy.{room}") / f"{name}.py"
        for room, names in GENERATORS.items()
        for name in names
    )
    return digest_bytes(b"".join(f.read_bytes() for f in files))


def _damaged(message: str) -> VerificationError:
    return VerificationError(message, hint="build it anew with `heyi rules build`")


def load_build(
    files: Mapping[str, bytes], texts: Mapping[str, str], key: str | None = None
) -> Build | None:
    """The build of these texts, or None where there is none or it was made from other texts.

    `key` is the digest of the texts, where it is known.

    Only for files that the reader made or installed: their parsed form is believed.

    Raises:
        VerificationError: a file of the build is missing or is not the one that the manifest names.
    """
    manifest = _manifest_of(files, key or digest(dict(texts)))
    if manifest is None:
        return None
    schema = load_schema(texts[FACTS_FILE])
    try:
        book = ir_json.from_json(json.loads(files[IR]), schema, texts)
    except _UNREADABLE as e:
        raise _damaged(f"the built rulebook cannot be read: {type(e).__name__}") from None
    if book.digest != manifest["rulebook"] or layout(schema) != manifest["layout"]:
        raise _damaged("the parts of the built rulebook belong to different rulebooks")
    return Build(book, _bytecode(files) if BYTECODE in manifest["files"] else None)


def load_bytecode(files: Mapping[str, bytes], book: ir.Rulebook) -> Bytecode | None:
    """The bytecode of a build that lies beside a rulebook, or None if it is not of these texts.

    Nothing else of that build is believed: the reader parsed `book`, and the layout of `book` packs
    the facts.

    Raises:
        VerificationError: a file of the build is missing or is not the one that the manifest names.
    """
    manifest = _manifest_of(files, book.digest)
    if manifest is None or BYTECODE not in manifest["files"]:
        return None
    if manifest["layout"] != layout(book.schema):
        raise _damaged("the bytecode of the built rulebook takes facts in another layout")
    return _bytecode(files)


def is_build_of(files: Mapping[str, bytes], book: ir.Rulebook) -> bool:
    """Whether these files are the build of a rulebook that was compiled from its packs.

    Raises:
        VerificationError: a file of the build is missing or is not the one that the manifest names.
    """
    parsed = parsed_form(book)[IR]
    return load_bytecode(files, book) is not None and files[IR] == parsed


def _manifest_of(files: Mapping[str, bytes], rulebook: str) -> dict[str, Any] | None:
    """The manifest, where it is one of this rulebook, of this format and of this code."""
    if MANIFEST not in files:
        return None
    try:
        manifest = dict(json.loads(files[MANIFEST]))
        made_for = (manifest["format"], manifest["generators"], manifest["rulebook"])
        if made_for != (FORMAT, generators(), rulebook):
            return None
        named = manifest["files"] = dict(manifest["files"])
        manifest["layout"]
    except _UNREADABLE as e:
        raise _damaged(
            f"`{MANIFEST}` of the built rulebook cannot be read: {type(e).__name__}"
        ) from None
    if set(named) not in ({IR}, {IR, LAYOUT, BYTECODE}):
        raise _damaged("the manifest of the built rulebook names other files than a build has")
    for name, wanted in named.items():
        if name not in files or digest_bytes(files[name]) != wanted:
            raise _damaged(f"`{name}` of the built rulebook is not the one that its manifest names")
    return manifest


def _bytecode(files: Mapping[str, bytes]) -> Bytecode:
    try:
        return from_json(json.loads(files[BYTECODE]), Bytecode)
    except _UNREADABLE as e:
        raise _damaged(
            f"the bytecode of the built rulebook cannot be read: {type(e).__name__}"
        ) from None
