"""What `heyi rules build` writes beside a rulebook, so that deciding neither parses packs nor compiles.

    built/ir.json        the parsed form            built/layout.json    slots of the packed words
    built/python.txt     generated Python           built/bytecode.json  creation code, selectors, compiler, EVM version
    built/manifest.json  the rulebook's digest and that of each file above

A build is loaded only for the very texts that it was made from, and by the code that made it; in any other case a
rulebook is compiled anew.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files as resources
from typing import Any

from heyi.crypto.canonical import canonical, digest, digest_bytes
from heyi.model.errors import VerificationError
from heyi.policy.engines.bytecode import Bytecode, compile_contracts
from heyi.policy.engines.packed import layout, layout_table
from heyi.policy.engines.to_python import generate
from heyi.policy.language import ir, ir_json
from heyi.policy.language.schema import Schema, load_schema
from heyi.policy.language.typing import FACTS_FILE

FORMAT = 1
GENERATORS = {
    "language": (
        *("check", "deadline", "front_matter", "ir", "ir_json", "jurisdictions", "norms", "pack"),
        *("parse", "schema", "sentences", "source", "strict_yaml", "typing"),
    ),
    "engines": ("bit_tests", "bytecode", "normal_form", "packed", "to_python", "to_vyper"),
}
"""The modules whose code decides what a build holds: after a change of one of them a build is made anew."""
MANIFEST, IR, LAYOUT, PYTHON, BYTECODE = (
    "manifest.json",
    "ir.json",
    "layout.json",
    "python.txt",
    "bytecode.json",
)
FILES = (MANIFEST, IR, LAYOUT, PYTHON, BYTECODE)


@dataclass(frozen=True, slots=True)
class Build:
    """A rulebook ready to decide."""

    book: ir.Rulebook
    python: str
    bytecode: Bytecode


def build(book: ir.Rulebook) -> dict[str, bytes]:
    """The files of a build by name. The same rulebook gives the same bytes.

    Raises:
        InvalidInput: the compiler is not installed.
    """
    code = compile_contracts(book)
    files = {
        IR: _json(ir_json.to_json(book)),
        LAYOUT: _json(
            {
                "layout": layout(book.schema),
                "words": book.schema.words,
                "facts": layout_table(book.schema),
            }
        ),
        PYTHON: generate(book).encode(),
        BYTECODE: _json(code.to_json()),
    }
    manifest: dict[str, Any] = {
        "format": FORMAT,
        "generators": generators(),
        "rulebook": book.digest,
        "layout": layout(book.schema),
        "rules": len(book.rules),
        "compiler": code.compiler,
        "evm_version": code.evm_version,
        "files": {name: digest_bytes(content) for name, content in files.items()},
    }
    return files | {MANIFEST: canonical(manifest)}


def _json(value: Any) -> bytes:
    """One entry a line where that helps a reader of differences; keys in order."""
    return (
        json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")) + "\n"
    ).encode()


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


def load_build(files: Mapping[str, bytes], texts: Mapping[str, str]) -> Build | None:
    """The build of these texts, or None where there is none or it was made from other texts.

    Raises:
        VerificationError: a file of the build is missing or is not the one that the manifest names.
    """
    if MANIFEST not in files:
        return None
    try:
        manifest = json.loads(files[MANIFEST])
        made_for = (manifest["format"], manifest["generators"], manifest["rulebook"])
        named = dict(manifest["files"])
    except (ValueError, KeyError, TypeError) as e:
        raise _damaged(f"`{MANIFEST}` of the built rulebook cannot be read: {e!r}") from None
    if made_for != (FORMAT, generators(), digest(dict(texts))):
        return None
    if set(named) != {IR, LAYOUT, PYTHON, BYTECODE}:
        raise _damaged("the manifest of the built rulebook names other files than a build has")
    for name, wanted in named.items():
        if name not in files or digest_bytes(files[name]) != wanted:
            raise _damaged(f"`{name}` of the built rulebook is not the one that its manifest names")
    schema: Schema = load_schema(texts[FACTS_FILE])
    try:
        book = ir_json.from_json(json.loads(files[IR]), schema, texts)
        code = Bytecode.from_json(json.loads(files[BYTECODE]))
    except (ValueError, KeyError, TypeError) as e:
        raise _damaged(f"the built rulebook cannot be read: {e!r}") from None
    if book.digest != manifest["rulebook"] or layout(schema) != manifest["layout"]:
        raise _damaged("the parts of the built rulebook belong to different rulebooks")
    return Build(book, files[PYTHON].decode(), code)
