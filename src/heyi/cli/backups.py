"""`heyi backup` and `heyi restore`: a whole copy of a run, and going on from it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from heyi.cli.output import Json, out, print_json

Run = Annotated[Path, typer.Argument(help="the folder of a run")]


def backup(
    directory: Run,
    to: Annotated[Path, typer.Argument(help="a new folder; it will hold the secrets of the run")],
    json: Json = False,
) -> None:
    """Copy a run into a new folder while it is in use."""
    from heyi.app.backup import backup as copy_run

    entries = copy_run(directory, to)
    if json:
        print_json({"entries": entries, "to": str(to)})
        return
    out().print(f"已备份 backed up: {entries} 条 entries → {to}", soft_wrap=True)
    out().print("其中含有密钥，请妥善保管 it holds secrets: keep it safe")


def restore(
    copy: Annotated[Path, typer.Argument(help="a folder that `heyi backup` made")],
    directory: Annotated[Path, typer.Argument(help="a new folder for the run")],
    new_origin: Annotated[
        str,
        typer.Option(help="where entries are lost: go on as another log of this name"),
    ] = "",
    json: Json = False,
) -> None:
    """Put a backup into a new folder; it must have all that its witness has seen."""
    from heyi.app.backup import restore as restore_run

    restored = restore_run(copy, directory, new_origin=new_origin)
    if json:
        print_json({"entries": restored.entries, "lost": restored.lost})
        return
    out().print(f"已恢复 restored: {restored.entries} 条 entries → {directory}", soft_wrap=True)
    if restored.lost is None:
        out().print(
            "见证在此没有记忆，是否有条目丢失无从得知；新日志尚未经成员采纳 "
            "the witness remembers nothing here, so nobody knows whether entries are lost; "
            "the members have not adopted the new log yet",
            soft_wrap=True,
        )
    if restored.lost:
        out().print(
            f"其后 {restored.lost} 条已丢失；新日志尚未经成员采纳 "
            f"the {restored.lost} entries after them are lost; "
            "the members have not adopted the new log yet",
            soft_wrap=True,
        )
    out().print(f"下一步 next: heyi verify {directory}", soft_wrap=True)
