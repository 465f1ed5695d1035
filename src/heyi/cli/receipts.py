"""`heyi receipt`: proofs that an act was logged, to be kept by whoever acted."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from heyi.cli.output import Json, out, print_json
from heyi.model.errors import VerificationError

receipt = typer.Typer(
    no_args_is_help=True,
    help="Proofs that an act was logged.",
    rich_markup_mode=None,
)


def names(paths: list[Path]) -> list[str]:
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

    keys, data = read_trust(trust), read_small(file)
    try:
        index, leaf, checkpoint, at = open_receipt(
            data, origin=keys.origin, log_key=keys.log_key, witness=keys.witness
        )
        event = from_leaf(leaf)
    except VerificationError as e:
        hint = _of_another_log(data, keys.origin) or "do not rely on it"
        raise VerificationError(f"`{file}`: {e.message}", hint=hint) from None
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


def _of_another_log(data: bytes, origin: str) -> str:
    """What to do with a receipt that names another log than these keys; empty if it names none."""
    from heyi.app.verification import origin_of

    try:
        named = origin_of(data)
    except VerificationError:
        return ""
    if named == origin:
        return ""
    return f"it is a receipt of another log: use the keys of `{named}`"


@receipt.command("get")
def get_receipt(
    directory: Annotated[Path, typer.Argument(help="the folder of a run")],
    entries: Annotated[list[int], typer.Argument(help="the log entries to prove")],
    json: Json = False,
) -> None:
    """Write receipts of log entries, also of earlier acts, into the folder's `receipts`."""
    from heyi.app.centre import writing

    with writing(directory) as app:
        kept = app.receipts(list(dict.fromkeys(entries)))
    if json:
        print_json({"receipts": names(kept)})
    else:
        print_receipts(kept)
