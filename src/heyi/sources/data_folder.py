"""Files of institutions: a name in a study may not lead out of the folder that was given."""

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
        inside = path.resolve().is_relative_to(folder.resolve())
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
