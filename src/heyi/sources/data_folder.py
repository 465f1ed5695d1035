"""Files of institutions: a name may not lead out of its folder, and what is read is a file."""

from __future__ import annotations

from pathlib import Path

from heyi.model.errors import InvalidInput


def file_in(folder: Path, name: str) -> Path:
    """The file of that name inside `folder`.

    Raises:
        InvalidInput: the name is absolute, climbs out by `..`, or is a link to something outside.
    """
    try:
        path = folder / name
        inside = not Path(name).is_absolute() and path.resolve().is_relative_to(folder.resolve())
    except (
        OSError,
        ValueError,
        RuntimeError,
    ) as e:  # a null character, a link that leads to itself
        raise InvalidInput(f"`{name}` is no name of a file: {e}", hint="check the path") from None
    if not inside:
        raise InvalidInput(
            f"`{name}` lies outside the folder `{folder}`",
            hint="copy the file into the folder; links that lead out of it are not followed",
        )
    return path


def check_regular(path: Path) -> None:
    """Check that a path leads to a regular file, if it leads to anything.

    Call it before opening: a pipe would wait for a writer, and a device may never end. Where there
    is nothing, opening says so.

    Raises:
        InvalidInput: it is a folder, a pipe, a device or a socket.
        OSError: a folder on the way cannot be searched.
    """
    if path.exists() and not path.is_file():
        raise InvalidInput(
            f"cannot read `{path}`: it is not a regular file",
            hint="name a file, not a folder, pipe or device",
        )
