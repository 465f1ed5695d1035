"""`heyi settle` and `heyi dispute`: check a settlement, doubt it, answer, approve, pay."""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import Progress
from rich.table import Table

from heyi.app.centre import App, writing
from heyi.app.verification import reading, verify_directory
from heyi.audit.log_store import LogReader
from heyi.cli.files import check_writable, write_file
from heyi.cli.output import FAILED, Address, Json, err, out, print_json
from heyi.cli.receipts import print_receipts
from heyi.crypto.canonical import canonical, digest, from_canonical
from heyi.crypto.codec import VALUE_DIGITS, to_fraction
from heyi.exchange.case_file import Case
from heyi.exchange.consortium import PLATFORM, legal_day
from heyi.exchange.events.settled import SettlementCertified
from heyi.exchange.money.dispute import answer_dispute
from heyi.exchange.money.dispute import dispute as log_dispute
from heyi.exchange.money.pay import approve_settlement
from heyi.exchange.money.pay import pay as pay_out
from heyi.exchange.projections import CASE, listed
from heyi.exchange.state import State
from heyi.fabric.workers import Workers
from heyi.model.errors import InvalidInput, VerificationError
from heyi.report.fairness import fairness_of, in_words
from heyi.report.statement.payments import payments_csv
from heyi.settlement.certificate import Measured, certify, verify_certificate
from heyi.settlement.evaluate import sampled_game, whole_game
from heyi.settlement.statement import yuan
from heyi.sources.utility_program import read_utility_program
from heyi.store.folder import read_run
from heyi.store.utilities import UtilityDatabase

app = typer.Typer(
    no_args_is_help=True,
    help="Check, answer disputes, approve and pay settlements.",
    rich_markup_mode=None,
)

Directory = Annotated[Path, typer.Argument(help="the folder of a run")]
Study = Annotated[str, typer.Option(help="the study, where the run has several")]
On = Annotated[
    str,
    typer.Option(
        help="the day on which this happens, 2026-12-17 (default: an hour after the last event)"
    ),
]
By = Annotated[str, typer.Option(help="who speaks for settlements")]
Reasons = Annotated[str, typer.Option(help="why, in words that the other side reads")]


@app.command("verify")
def verify(
    what: Annotated[Path, typer.Argument(help="a certificate, or the folder of a run")],
    store: Address = "",
    json: Json = False,
) -> None:
    """Compute settlements again from their certificates alone: utilities, values, floors, fen."""
    found = [(str(what), _read(what))] if what.is_file() else list(_kept(what, store))
    rows = []
    for name, certificate in found:
        measured = _verified(name, certificate)
        rows.append(
            {
                "certificate": name,
                "digest": digest(certificate),
                "study": certificate["study"],
                "players": len(measured.players),
                "root": certificate["root"],
                "pot_fen": measured.specification["pot_fen"],
                "shares_fen": certificate["shares_fen"],
                "escrow_fen": certificate["escrow_fen"],
                "paid_fen": certificate["paid_fen"],
            }
        )
    if json:
        print_json({"verified": True, "settlements": rows})
        return
    for row in rows:
        shares = sum(row["shares_fen"].values())
        out().print(
            f"结算一致 the settlement follows from its certificate: {row['study']}, "
            f"{row['players']} 家 players, "
            f"{yuan(row['pot_fen'])} = {yuan(shares)} + {yuan(row['escrow_fen'])}"
        )
        for party, fen in row["paid_fen"].items():
            out().print(f"  此前已付 paid before: {party} {yuan(fen)}")
        out().print(f"  证书 certificate {row['digest']}\n  效用根 utility root {row['root']}")
        out().print(
            "  与结算单上的证书摘要比对 "
            "compare the certificate with the one that your statement names"
        )
    if what.is_dir():
        out().print(
            f"  日志本身由另一条命令核验 the log itself is checked by: heyi verify {what}",
            soft_wrap=True,
        )


def _verified(name: str, certificate: Any) -> Measured:
    try:
        return verify_certificate(certificate)
    except VerificationError as e:
        raise VerificationError(
            f"`{name}`: {e.message}",
            hint="do not rely on it; ask the platform for the certificate of the log",
        ) from None


def _read(path: Path) -> Any:
    try:
        return from_canonical(path.read_bytes())
    except OSError as e:
        raise InvalidInput(
            f"cannot read `{path}`: {e.strerror}", hint="make it readable, or name another"
        ) from None
    except (ValueError, InvalidInput) as e:
        raise VerificationError(
            f"`{path}` is no certificate: {e}",
            hint="take the file as `heyi settle certificate` wrote it; "
            "an editor may have added a line end",
        ) from None


def _kept(directory: Path, store: str) -> Iterator[tuple[str, Any]]:
    """The certificates that the log of a run names, checked against the digest there."""
    if not directory.is_dir():
        raise InvalidInput(
            f"`{directory}` is neither a certificate nor a folder",
            hint="heyi settle certificate DIR",
        )
    with reading(directory, store) as (database, state):
        found = _settlements(database, state)
        if not found:
            raise _nothing(database)
        for case, settlement in found:
            yield case.id, _certificate(database.artefact(settlement.certificate), settlement)


def _certificate(content: bytes | None, settlement: SettlementCertified) -> Any:
    """The certificate in these bytes, if it is the one that the log names."""
    if content is None:
        raise VerificationError("the certificate is not kept with the log")
    value = from_canonical(content)
    if digest(value) != settlement.certificate:
        raise VerificationError("the certificate is not the one that the log names")
    return value


@app.command("guards")
def guards(
    what: Annotated[Path, typer.Argument(help="a certificate, or the folder of a run")],
    store: Address = "",
    json: Json = False,
) -> None:
    """Evidence of fairness: same persons, lowered utility, more than alone, another baseline."""
    found = [(str(what), _read(what))] if what.is_file() else list(_kept(what, store))
    try:
        told = [fairness_of(certificate) for _, certificate in found]
    except OverflowError:  # utilities of a user's own program may be beyond 1.8e308
        raise InvalidInput(
            "the utilities are too large for this evidence", hint="give them in a larger unit"
        ) from None
    if json:
        print_json({"settlements": told})
        return
    for g in told:
        for line in in_words(g):
            out().print(line, markup=False, soft_wrap=True)


@app.command("certificate")
def certificate(
    directory: Directory,
    to: Annotated[Path, typer.Option(help="the file to write")] = Path("certificate.json"),
    study: Study = "",
    store: Address = "",
) -> None:
    """Write the certificate of a settlement into a file that a stranger can verify."""
    with reading(directory, store) as (database, state):
        _, settlement = _settled(database, state, study)
        value = _certificate(database.artefact(settlement.certificate), settlement)
    write_file(to, canonical(value))
    out().print(f"{to}\n下一步 try next: heyi settle verify {to}")


def dispute(
    directory: Directory,
    party: Annotated[str, typer.Option(help="the institution that doubts its statement")],
    reasons: Reasons,
    study: Study = "",
    on: On = "",
) -> None:
    """Dispute a statement: nothing of its settlement is approved until the dispute is answered."""
    with _opened(directory, on) as app:
        case, _ = _settled(app.database, app.consortium.state, study)
        entry = log_dispute(app.consortium, case.id, party=party, reasons=reasons, by=party)
        kept = app.receipts([entry])
    print_receipts(kept)
    out().print(f"异议已记入日志第 {entry} 条 the dispute is entry {entry} of the log")
    out().print(f"下一步 next: heyi settle answer {directory} --party {party} --reasons …")


@app.command("answer")
def settle_dispute(
    directory: Directory,
    party: Annotated[str, typer.Option(help="the institution that disputes")],
    reasons: Reasons,
    upheld: Annotated[
        bool, typer.Option("--upheld/--dismissed", help="is the institution right?")
    ] = False,
    by: By = "finance-office",
    study: Study = "",
    on: On = "",
) -> None:
    """Answer a dispute. Where it is upheld, the whole settlement is withdrawn, to be made anew."""
    with _opened(directory, on) as app:
        case, _ = _settled(app.database, app.consortium.state, study)
        entry = answer_dispute(
            app.consortium, case.id, party=party, by=by, upheld=upheld, reasons=reasons
        )
        kept = app.receipts([entry])
    print_receipts(kept)
    out().print(
        "异议成立，结算撤回 upheld: the settlement is withdrawn"
        if upheld
        else "异议不成立 dismissed"
    )
    if upheld:
        out().print(
            "下一步 next: mend what was wrong, and run the study into another folder with --dir"
        )


@app.command("approve")
def approve(
    directory: Directory, by: By = "finance-office", study: Study = "", on: On = ""
) -> None:
    """Approve a settlement when nobody can dispute it any more."""
    with _opened(directory, on) as app:
        case, _ = _settled(app.database, app.consortium.state, study)
        kept = app.receipts([approve_settlement(app.consortium, case.id, by=by)])
    print_receipts(kept)
    out().print(f"已核准 approved: {case.id}\n下一步 next: heyi settle pay {directory}")


@app.command("pay")
def pay(
    directory: Directory,
    csv: Annotated[
        Path | None, typer.Option(help="also write the payments for the finance office")
    ] = None,
    study: Study = "",
    on: On = "",
    json: Json = False,
) -> None:
    """Pay an approved settlement out; paying is itself judged by the rulebook."""
    with _opened(directory, on) as app:
        case, settlement = _settled(app.database, app.consortium.state, study)
        if csv is not None:
            check_writable(csv)  # before anything is paid
        decision, paid, entries = pay_out(app.consortium, case.id, by=PLATFORM)
        table = payments_csv(app.consortium.state, [case.id])
        shares, stages = settlement.shares_fen, app.consortium.case(case.id).stages
        kept = app.receipts(entries)
    if csv is not None:
        write_file(csv, table.encode())
    # whoever writes into a run follows its run.json
    holds = verify_directory(directory, store=read_run(directory).store).holds
    if json:
        print_json(
            {
                "outcome": decision.outcome.value,
                "paid_fen": paid,
                "shares_fen": shares,
                "receipts": [str(path) for path in kept],
                "verified": holds,
            }
        )
    else:
        rows = Table(title=f"支付 payments {case.id}", title_justify="left")
        rows.add_column("机构 institution")
        rows.add_column("元 yuan", justify="right")
        rows.add_column("状态 stage")
        for party, fen in sorted(shares.items()):
            rows.add_row(party, yuan(fen), stages[party].value)
        out().print(rows)
        print_receipts(kept)
        out().print(
            f"已支付 paid {yuan(paid)}；核验 verified: {'通过 holds' if holds else '不通过 FAILS'}"
        )
    if not holds:
        raise typer.Exit(FAILED)


@app.command("measure")
def measure(
    file: Annotated[
        Path, typer.Argument(help="a TOML file that names a program and the terms of the pot")
    ],
    to: Annotated[Path, typer.Option(help="the certificate to write")] = Path("certificate.json"),
    store: Annotated[
        Path | None,
        typer.Option(
            help="where utilities are kept, so that an interrupted run goes on (FILE.utilities)"
        ),
    ] = None,
    workers: Annotated[int, typer.Option(min=1, help="processes that evaluate coalitions")] = 1,
    json: Json = False,
) -> None:
    """Evaluate your own utility over coalitions, value it, divide the pot, certify that."""
    program = read_utility_program(file)
    check_writable(to)
    kept = UtilityDatabase(store or file.with_suffix(".utilities"))
    measured: Measured
    console = err()
    # The bar keeps this stderr: the console would otherwise take the stream that is lent to the
    # program, and the two would write into each other without end.
    console.file = sys.stderr
    with Progress(console=console, transient=True) as bar:
        task = bar.add_task("效用 utilities", total=None)

        def told(done: int, whole: int) -> None:
            bar.update(task, completed=done, total=whole)

        options: dict[str, Any] = {"store": kept, "executor": Workers(workers), "on_chunk": told}
        try:
            if program.evaluations:
                measured = sampled_game(program, program.evaluations, program.seed, **options)
            else:
                measured = whole_game(program, **options)
        finally:
            kept.close()
    certificate = certify(program.study, measured)
    write_file(to, canonical(certificate))
    if json:
        print_json(certificate)
        return
    unit, scale = (
        program.unit.rpartition(" ")[2] if program.decimals else program.unit,
        10**program.decimals,
    )
    rows = Table(title=f"{program.study}（{unit}）", title_justify="left")
    for heading in ("机构 institution", "贡献 contribution", "元 yuan"):
        rows.add_column(heading, justify="left" if heading.startswith("机构") else "right")
    for party, phi, low, high in zip(
        measured.players, certificate["phi"], certificate["low"], certificate["high"], strict=True
    ):
        value, least, most = (
            _six_digits(to_fraction(x, digits=VALUE_DIGITS) / scale) for x in (phi, low, high)
        )
        between = "" if low == high else f" ({least} … {most})"
        rows.add_row(party, f"{value}{between}", yuan(certificate["shares_fen"][party]))
    if certificate["escrow_fen"]:
        rows.add_row("暂存 escrow", "", yuan(certificate["escrow_fen"]))
    out().print(rows)
    if program.evaluations:
        out().print("抽样只支付确定的部分，其余暂存；括号内为同时成立的 95% 区间。")
        out().print(
            "A sample pays what is certain, the rest waits; "
            "in brackets 95 % intervals that hold together."
        )
    out().print(f"{to}\n下一步 try next: heyi settle verify {to}")


def _six_digits(value: Fraction) -> str:
    """The first six digits of a value; values of a user's program may be too large for a float."""
    try:
        return f"{float(value):,.6g}"
    except OverflowError:
        return f"{(Decimal(value.numerator) / Decimal(value.denominator)).normalize():.6g}"


@contextmanager
def _opened(directory: Path, on: str = "") -> Iterator[App]:
    with writing(directory) as app:
        if on:
            _move(app, on)
        yield app


def _move(app: App, on: str) -> None:
    """Move the run's calendar to a later day."""
    try:
        day = dt.date.fromisoformat(on)
    except ValueError:
        raise InvalidInput(f"`{on}` is no day", hint="write it like 2026-12-17") from None
    days = (day - legal_day(app.clock.now())).days
    if days < 0:
        raise InvalidInput(
            f"the run has come to {legal_day(app.clock.now())} already", hint="give a later day"
        )
    app.forward(days * 86_400)


def _nothing(reader: LogReader) -> InvalidInput:
    """Why there is no settlement: none was made, or a dispute was upheld."""
    if withdrawn := [name for name, case in listed(reader, CASE) if case["settlements"]]:
        return InvalidInput(
            f"the settlement of `{withdrawn[0]}` was withdrawn, since a dispute was upheld",
            hint="mend what was wrong, and run the study into another folder with --dir",
        )
    return InvalidInput("nothing was settled here", hint="run a study first")


def _settlements(reader: LogReader, state: State) -> list[tuple[Case, SettlementCertified]]:
    """The cases that stand settled; a list tells which they are, so that no other is folded."""
    cases = [state.cases[name] for name, case in listed(reader, CASE) if case["settled"]]
    return [(c, c.settlement) for c in cases if c.settlement is not None]


def _settled(reader: LogReader, state: State, study: str) -> tuple[Case, SettlementCertified]:
    """The case that was settled, with its settlement; `study` chooses among several."""
    settled = _settlements(reader, state)
    chosen = [(c, s) for c, s in settled if study in ("", c.id)]
    if len(chosen) == 1:
        return chosen[0]
    if not settled:
        raise _nothing(reader)
    known = ", ".join(sorted(c.id for c, _ in settled))
    said = f"`{study}` has no settlement" if study else f"{len(chosen)} studies were settled here"
    raise InvalidInput(said, hint=f"--study, one of {known}")
