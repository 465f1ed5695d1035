"""`heyi verify` and `heyi erase`: check everything as an outsider; let bodies go and say so."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from heyi.cli.output import FAILED, Address, Json, err, out, print_json
from heyi.cli.receipts import names, print_receipts
from heyi.model.decision import Text
from heyi.model.errors import HeyiError, InvalidInput

if TYPE_CHECKING:
    from heyi.app.verification import Verification

NOT_REPLAYABLE = Text(zh="已删除，不可重放", en="erased, not replayable")
KNOWN_BEFORE = Text(zh="已删除，删除前您已核验", en="erased, and verified by you before")
STILL_CHECKED = Text(zh="已删除，仍由其余条目核验", en="erased, checked by what else is logged")

Trust = Annotated[
    Path | None, typer.Option(help="public keys that you got by another way (trust.json)")
]
Run = Annotated[Path, typer.Argument(help="the folder of a run")]


def verify(
    directory: Run = Path("heyi-demo"),
    trust: Trust = None,
    seen: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE",
            help="a checkpoint or receipt that you got before, or a folder of them: "
            "the log must still extend it",
        ),
    ] = None,
    since: Annotated[
        bool,
        typer.Option(
            "--since", help="go on from what you verified before, and remember what holds now"
        ),
    ] = False,
    store: Address = "",
    json: Json = False,
) -> None:
    """Check a run: every leaf, proof, checkpoint and receipt, every decision and settlement."""
    from heyi.app.verification import verify_directory

    v = verify_directory(directory, trust, seen or (), since=since, store=store)
    if json:
        print_json(_summary(v))
    else:
        _print(v)
    if v.unkept is not None and not json:  # the summary says it
        raise v.unkept
    if v.unkept is not None or not v.holds:
        raise typer.Exit(FAILED)


def _summary(v: Verification) -> dict[str, Any]:
    checkpoint = v.centre.checkpoint
    return {
        "verified": v.holds,
        "own_keys": not v.trusted,
        "since": v.since,
        "unkept": None if v.unkept is None else v.unkept.message,
        "origin": v.centre.origin,
        "log_root": checkpoint.root.hex() if checkpoint else None,
        "entries": v.centre.size,
        "checkpoints": v.centre.checkpoints,
        "promised": v.centre.promised,
        "nodes": len(v.nodes),
        "decisions_replayed": v.replayed.decisions,
        "permits": v.replayed.permits,
        "receipts": v.replayed.receipts,
        "settlements": v.replayed.settlements,
        "unanswered": v.replayed.unanswered,
        "succeeds": None
        if v.replayed.succession is None
        else {
            "origin": v.replayed.succession.origin,
            "lost": v.replayed.succession.lost,
            "adopted": v.replayed.succession.adopted,
        },
        "rulebooks": [
            {
                "digest": digest,
                "adopted": [{"entry": entry, "by": by} for entry, by in judged.adopted],
                "decisions": judged.decisions,
            }
            for digest, judged in v.replayed.rulebooks.items()
        ],
        "erased": [{"entry": n, "status": status.en} for n, status in _erased(v)],
        "faults": [{"log": log, "entry": f.entry, "message": f.message} for log, f in v.faults],
    }


def _erased(v: Verification) -> list[tuple[int, Text]]:
    """The entries whose bodies are gone, each with what that means for its check."""
    lost, known = set(v.replayed.erased), set(v.replayed.known)

    def status(n: int) -> Text:
        if n in known:
            return KNOWN_BEFORE
        return NOT_REPLAYABLE if n in lost else STILL_CHECKED

    return [(n, status(n)) for n in v.erased]


def _print(v: Verification) -> None:
    from rich.table import Table

    table = Table(title="核验 verification", show_header=False, title_justify="left")
    for key, value in _summary(v).items():
        if not isinstance(value, list | dict) and value is not None:
            table.add_row(key, str(value))
    out().print(table)
    for digest, judged in v.replayed.rulebooks.items():
        whose = ", ".join(f"entry {entry} by {by}" for entry, by in judged.adopted) or "nobody"
        out().print(
            f"  规则书 rulebook {digest[:19]}: {judged.decisions} 项判定 decisions; "
            f"采纳 adopted: {whose}"
        )
    for n, status in _erased(v):
        out().print(f"  第 {n} 条 entry {n}: {status.zh} {status.en}")
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
    if went := v.replayed.succession:
        lost, lost_en = f"丢失 {went.lost} 条", f"{went.lost} entries are lost"
        if went.lost is None:
            lost, lost_en = "是否有条目丢失无从得知", "nobody knows whether entries are lost"
        out().print(
            f"  本日志接续 {went.origin}，{lost}，尚未经成员采纳 "
            f"this log goes on from {went.origin}, of which {lost_en}; "
            "the members have not adopted it",
            soft_wrap=True,
        )
    if not v.trusted:
        out().print(
            "  密钥取自该文件夹本身，其写入者可以一并替换；请用 --trust 给出另行取得的密钥 "
            "the keys are the folder's own, which whoever wrote it could exchange: give --trust"
        )
    _print_since(v)
    for name, f in v.faults:
        place = f"entry {f.entry}" if f.entry is not None else "the log"
        out().print(f"  ✗ {name}, {place}: {f.message}")
    out().print("通过 holds" if v.holds else "不通过 FAILS")


def _print_since(v: Verification) -> None:
    """Say what `--since` did, and what to do about a memory of another run."""
    if v.since is None or v.unkept is not None:
        return
    if v.since:
        out().print(
            f"  自第 {v.since} 条起续核，此前由您核验 went on from entry {v.since}, verified before"
        )
        if any(log == "centre" and f.entry is None for log, f in v.faults):
            out().print(
                f"  若是您自己重做的运行，请删除 {v.memory} "
                f"if you made this run anew, remove {v.memory}",
                soft_wrap=True,
            )
    elif v.holds:
        out().print("  首次核验，已记住 first audit, remembered")


def erase(
    directory: Run,
    entries: Annotated[
        list[int] | None, typer.Argument(help="the log entries whose bodies go")
    ] = None,
    reason: Annotated[
        str, typer.Option(help="why; it is logged for everybody to see, so name nobody")
    ] = "",
    case: Annotated[str, typer.Option(help="erase all bodies of this request instead")] = "",
    by: Annotated[str, typer.Option(help="who erases")] = "platform",
    json: Json = False,
) -> None:
    """Erase bodies of log entries for good. Their leaves stay, and every proof still holds."""
    from heyi.app.centre import writing
    from heyi.exchange.proof.erase import bodies_of
    from heyi.exchange.proof.erase import erase as erase_bodies

    if bool(entries) == bool(case):
        raise InvalidInput("name entries, or one case", hint="heyi erase DIR ENTRY..., or --case")
    logged: list[int] = []
    try:
        with writing(directory) as app:
            chosen = list(dict.fromkeys(entries or bodies_of(app.consortium, case)))
            logged = erase_bodies(app.consortium, chosen, reason=reason, by=by)
            kept = app.receipts(logged)
    except (HeyiError, KeyboardInterrupt):
        for index in logged:
            err().print(
                f"内容已删除，记为第 {index} 条；回执可随后领取 erased, logged as {index}; its "
                f"receipt, later: heyi receipt get {directory} {index}",
                soft_wrap=True,
            )
        raise
    if json:
        print_json({"erased": chosen, "logged_as": logged, "receipts": names(kept)})
        return
    for entry, index in zip(chosen, logged, strict=True):
        out().print(
            f"第 {entry} 条内容已删除，记为第 {index} 条 entry {entry} erased, logged as {index}"
        )
    print_receipts(kept)
