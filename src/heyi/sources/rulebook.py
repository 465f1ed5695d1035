"""Rulebook texts: those shipped with Heyi, or a folder of a consortium's own."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import as_file, files
from importlib.resources.abc import Traversable
from pathlib import Path

from heyi.model.errors import InvalidInput
from heyi.policy.engines.build import FILES, MANIFEST

BUILT = "built"
NEARLY = (".md", ".markdown", ".yml", ".yaml", ".toml")
SUFFIXES = (".md", ".toml", ".yaml")


def read_rulebook(folder: Path | None = None) -> dict[str, str]:
    """The texts by file name relative to the rulebook: facts, profiles and packs.

    Raises:
        InvalidInput: the folder cannot be read, or a file is not UTF-8.
    """
    root: Traversable = folder if folder is not None else files("heyi") / "rulebook"
    texts: dict[str, str] = {}
    try:
        _collect(root, "", texts)
    except OSError as e:
        raise InvalidInput(
            f"cannot read the rulebook in `{root}`: {e}",
            hint="name a folder with facts.toml and packs",
        ) from None
    return texts


def read_build(folder: Path | None = None) -> dict[str, bytes]:
    """The files that `heyi rules build` wrote beside a rulebook, by name; none before it ran.

    Raises:
        InvalidInput: they cannot be read.
    """
    root: Traversable = folder if folder is not None else files("heyi") / "rulebook"
    built = root / BUILT
    try:
        names = {f.name for f in built.iterdir() if f.is_file()} if built.is_dir() else set()
        return {name: (built / name).read_bytes() for name in FILES if name in names}
    except OSError as e:
        raise InvalidInput(
            f"cannot read the build in `{built}`: {(e.strerror or 'input error').lower()}",
            hint="remove the folder `built`, or build it anew with `heyi rules build`",
        ) from None


def write_build(folder: Path, files: Mapping[str, bytes]) -> Path:
    """Write the files of a build beside its rulebook, the manifest last: half a build is none.

    Raises:
        InvalidInput: the folder cannot be written.
    """
    built = folder / BUILT
    try:
        built.mkdir(exist_ok=True)
        (built / MANIFEST).unlink(missing_ok=True)
        for name in sorted(files, key=lambda n: n == MANIFEST):
            (built / name).write_bytes(files[name])
    except OSError as e:
        raise InvalidInput(f"cannot write `{built}`: {e.strerror}") from None
    return built


def copy_rulebook(folder: Path) -> int:
    """Write the texts of the shipped rulebook into a new folder, to be edited there; how many.

    Raises:
        InvalidInput: there is something in the folder already, or it cannot be written.
    """
    texts = read_rulebook()
    try:
        if folder.exists() and any(folder.iterdir()):
            raise InvalidInput(f"`{folder}` is not empty", hint="name a new folder")
        for name, text in texts.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    except OSError as e:
        raise InvalidInput(f"cannot write `{folder}`: {e.strerror}") from None
    return len(texts)


def shipped_folder() -> Path:
    """Where the shipped rulebook lies, to be built anew after a change of its packs."""
    with as_file(files("heyi") / "rulebook") as folder:
        return folder


def _collect(node: Traversable, prefix: str, texts: dict[str, str]) -> None:
    for child in sorted(node.iterdir(), key=lambda c: c.name):
        if isinstance(child, Path) and child.is_symlink() and child.is_dir():
            raise InvalidInput(
                f"`{prefix}{child.name}` is a link to a folder, which could lead in a circle",
                hint="copy the folder to its place",
            )
        if child.is_dir() and not (prefix == "" and child.name == BUILT):
            _collect(child, f"{prefix}{child.name}/", texts)
        elif child.name.endswith(SUFFIXES):
            if not child.is_file():  # reading a pipe or a device would wait for ever
                raise InvalidInput(
                    f"`{prefix}{child.name}` is not a regular file", hint="remove it"
                )
            # as bytes: reading as text would turn a lone carriage return into a line end
            data = child.read_bytes()
            try:
                texts[f"{prefix}{child.name}"] = data.decode("utf-8-sig").replace("\r\n", "\n")
            except UnicodeDecodeError as e:
                line = data[: e.start].count(b"\n") + 1
                message = f"`{prefix}{child.name}` is not UTF-8, from line {line} on"
                raise InvalidInput(message, hint=_how_to_save(data)) from None
        elif child.is_file() and Path(child.name).suffix.lower() in NEARLY:
            message = (
                f"`{prefix}{child.name}` looks like a part of the rulebook, and would not be read"
            )
            raise InvalidInput(
                message,
                hint=f"a file of a rulebook ends in {', '.join(SUFFIXES)}; "
                "rename it or move it away",
            )


def _how_to_save(data: bytes) -> str:
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "gb18030"
    try:
        data.decode(encoding)
    except UnicodeDecodeError:
        return "save it as UTF-8"
    return f"save it as UTF-8; it looks like {encoding.upper()}"
