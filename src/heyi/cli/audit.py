"""`heyi verify`, `heyi erase`, `heyi receipt` and `heyi log`: check, let bodies go, keep proofs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from heyi.cli.output import FAILED, Json, out, print_json
from heyi.model.decision import Text
from heyi.model.errors import InvalidInput, VerificationError

if TYPE_CHECKING:
    from heyi.app.verification import Verification

log = typer.Typer(
    no_args_is_help=True,
    help="Compare the log with what is kept beside it.",
    rich_markup_mode=None,
)
receipt = typer.Typer(
    no_args_is_help=True,
    help="Proofs that an act was logged.",
    rich_markup_mode=None,
)

NOT_REPLAYABLE = Text(zh="已删除，不可重放", en="erased, not replayable")
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
            help="a checkpoint or receipt that you got before: the log must still extend it"
        ),
    ] = None,
    since: Annotated[
        bool,
        typer.Option(
            "--since", help="go on from what you verified before, and remember what holds now"
        ),
    ] = False,
    json: Json = False,
) -> None:
    """Check a run: every leaf, proof, checkpoint and receipt, every decision and settlement."""
    from heyi.app.verification import verify_directory

    v = verify_directory(directory, trust, seen or (), since=since)
    if json:
        print_json(_summary(v))
    else:
        _print(v)
    if not v.holds:
        raise typer.Exit(FAILED)


def _summary(v: Verification) -> dict[str, Any]:
    checkpoint = v.centre.checkpoint
    return {
        "verified": v.holds,
        "own_keys": not v.trusted,
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
    lost = set(v.replayed.erased)
    return [(n, NOT_REPLAYABLE if n in lost else STILL_CHECKED) for n in v.erased]


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
        out().print(
            f"  本日志接续 {went.origin}，丢失 {went.lost} 条，尚未经成员采纳 "
            f"this log goes on from {went.origin}, of which {went.lost} entries are lost; "
            "the members have not adopted it",
            soft_wrap=True,
        )
    if not v.trusted:
        out().print(
            "  密钥取自该文件夹本身，其写入者可以一并替换；请用 --trust 给出另行取得的密钥 "
            "the keys are the folder's own, which whoever wrote it could exchange: give --trust"
        )
    for name, f in v.faults:
        place = f"entry {f.entry}" if f.entry is not None else "the log"
        out().print(f"  ✗ {name}, {place}: {f.message}")
    out().print("通过 holds" if v.holds else "不通过 FAILS")


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
    with writing(directory) as app:
        chosen = list(dict.fromkeys(entries or bodies_of(app.consortium, case)))
        logged = erase_bodies(app.consortium, chosen, reason=reason, by=by)
        kept = app.receipts(logged)
    if json:
        print_json({"erased": chosen, "logged_as": logged, "receipts": _names(kept)})
        return
    for entry, index in zip(chosen, logged, strict=True):
        out().print(
            f"第 {entry} 条内容已删除，记为第 {index} 条 entry {entry} erased, logged as {index}"
        )
    print_receipts(kept)


def _names(paths: list[Path]) -> list[str]:
    return [str(path) for path in paths]


def print_receipts(paths: list[Path]) -> None:
    """Say where the receipts of an act are, and that they belong into the party's own hands."""
    for path in paths:
        out().print(f"回执 receipt: {path}", soft_wrap=True)
    out().print(
        "请将回执另行保存，日后可证明已入册 "
        "keep receipts elsewhere: they prove later that this was logged"
    )


@receipt.command("check")
def check_receipt(
    file: Annotated[Path, typer.Argument(help="a receipt (tlog-proof)")],
    trust: Annotated[Path, typer.Option(help="public keys (trust.json)")],
    json: Json = False,
) -> None:
    """Check a receipt without the log: what was logged, at which entry, and who has seen it."""
    from heyi.app.verification import read_small
    from heyi.audit.event import from_leaf
    from heyi.audit.tlog_proof import open_receipt
    from heyi.store.folder import read_trust

    keys = read_trust(trust)
    try:
        index, leaf, checkpoint, at = open_receipt(
            read_small(file), origin=keys.origin, log_key=keys.log_key, witness=keys.witness
        )
        event = from_leaf(leaf)
    except VerificationError as e:
        raise VerificationError(f"`{file}`: {e.message}", hint="do not rely on it") from None
    told: dict[str, Any] = {
        "holds": True,
        "entry": index,
        "kind": event.kind,
        "at": event.at,
        "actor": event.actor,
        "case": event.case,
        "public": event.public,
        "log_size": checkpoint.size,
        "cosigned_at": at,
    }
    if json:
        print_json(told)
        return
    out().print(
        f"第 {index} 条 entry {index}: {event.kind}, {event.actor}"
        + (f", {event.case}" if event.case else "")
    )
    out().print(
        "见证已签署 cosigned by the witness"
        if at is not None
        else "日志已承诺，见证尚未签署 promised by the log, not yet cosigned"
    )
    out().print("回执有效 the receipt holds")


@log.command("check")
def check_log(
    directory: Run = Path("heyi-demo"),
    rebuild: Annotated[
        bool, typer.Option("--rebuild", help="write the streams and summaries anew")
    ] = False,
    json: Json = False,
) -> None:
    """Compare the streams and summaries, which lists and cases are read from, with the events."""
    from heyi.app.verification import log_of
    from heyi.exchange.projections import differences

    if rebuild:
        from heyi.app.centre import writing
        from heyi.exchange.projections import rebuild as write_anew

        with writing(directory) as app:
            write_anew(app.database)
    database = log_of(directory)
    try:
        unlike, due = list(differences(database)), database.scrub_due()
    finally:
        database.close()
    if json:
        print_json({"agrees": not unlike, "differences": unlike, "scrub_due": due})
    else:
        for name in unlike:
            out().print(f"  ✗ {name}")
        if due:
            out().print(
                "  已删除内容的残留尚待覆盖，再次运行 heyi erase 即可 "
                "erased bytes wait to be overwritten: run heyi erase again"
            )
        out().print("一致 agrees" if not unlike else "不一致 DIFFERS: heyi log check --rebuild")
    if unlike:
        raise typer.Exit(FAILED)


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
    if restored.lost:
        out().print(
            f"其后 {restored.lost} 条已丢失；新日志尚未经成员采纳 "
            f"the {restored.lost} entries after them are lost; "
            "the members have not adopted the new log yet",
            soft_wrap=True,
        )
