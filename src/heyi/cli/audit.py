"""`heyi verify` and `heyi erase`: check everything as an outsider; let a body go and say so."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from heyi.cli.output import FAILED, Json, out, print_json


def verify(
    directory: Annotated[Path, typer.Argument(help="the folder of a run")] = Path("heyi-demo"),
    trust: Annotated[
        Path | None, typer.Option(help="public keys that you got by another way (trust.json)")
    ] = None,
    json: Json = False,
) -> None:
    """Check a run: every leaf, proof, checkpoint and receipt, every decision and settlement."""
    from heyi.app.verification import verify_directory

    v = verify_directory(directory, trust)
    checkpoint = v.centre.checkpoint
    summary = {
        "verified": v.holds,
        "origin": v.centre.origin,
        "log_root": checkpoint.root.hex() if checkpoint else None,
        "entries": len(v.centre.entries),
        "checkpoints": v.centre.checkpoints,
        "promised": v.centre.promised,
        "nodes": len(v.nodes),
        "decisions_replayed": v.replayed.decisions,
        "permits": v.replayed.permits,
        "receipts": v.replayed.receipts,
        "settlements": v.replayed.settlements,
        "unanswered": v.replayed.unanswered,
        "erased": [{"entry": n, "status": "erased, not replayable"} for n in v.replayed.erased],
        "faults": [{"log": log, "entry": f.entry, "message": f.message} for log, f in v.faults],
    }
    if json:
        print_json(summary)
    else:
        from rich.table import Table

        table = Table(title="核验 verification", show_header=False, title_justify="left")
        for key, value in summary.items():
            if not isinstance(value, list):
                table.add_row(key, str(value))
        out().print(table)
        for n in v.replayed.erased:
            out().print(f"  第 {n} 条 entry {n}: 已删除，不可重放 erased, not replayable")
        if v.centre.promised:
            out().print(
                f"  最后 {v.centre.promised} 条尚未经见证签署 "
                f"the last {v.centre.promised} entries await the witness"
            )
        if v.replayed.unanswered:
            n = v.replayed.unanswered
            out().print(
                f"  {n} 次调用已作答而回执未及入册 "
                f"{n} calls were answered, but their receipts were cut off"
            )
        for log, f in v.faults:
            place = f"entry {f.entry}" if f.entry is not None else "the log"
            out().print(f"  ✗ {log}, {place}: {f.message}")
        out().print("通过 holds" if v.holds else "不通过 FAILS")
    if not v.holds:
        raise typer.Exit(FAILED)


def erase(
    directory: Annotated[Path, typer.Argument(help="the folder of a run")],
    entry: Annotated[int, typer.Argument(help="the log entry whose body goes")],
    reason: Annotated[
        str, typer.Option(help="why; it is logged for everybody to see, so name nobody")
    ],
    json: Json = False,
) -> None:
    """Erase the body of a log entry for good. Its leaf stays, and every proof still holds."""
    from heyi.app.centre import reopen
    from heyi.exchange.proof.erase import erase as erase_body

    app = reopen(directory)
    try:
        index = erase_body(app.consortium, entry, reason=reason)
    finally:
        app.close()
    if json:
        print_json({"erased": entry, "logged_as": index})
    else:
        out().print(
            f"第 {entry} 条内容已删除，记为第 {index} 条 entry {entry} erased, logged as {index}"
        )
