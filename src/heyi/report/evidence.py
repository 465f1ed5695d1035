"""The evidence in the report: the state of the log, its witness, and an independent check."""

from __future__ import annotations

from heyi.audit.checkpoint import open_checkpoint
from heyi.audit.witness import cosigned_at
from heyi.exchange.consortium import Consortium
from heyi.model.decision import Text
from heyi.report.data import Command, Evidence, Figure, VerifiedNumbers
from heyi.report.words import minute

SYNTHETIC = Text(
    zh="本报告中的人员、机构和病历均为程序生成，与任何真实的人无关。",
    en="All persons, institutions and records in this report were generated; none of them is real.",
)
NO_ADVICE = Text(
    zh="判定由规则自动得出，不构成法律意见；规则是对法律条文的编码，以条文原文为准。",
    en="Decisions were computed from rules and nothing here is legal advice; the rules encode the "
    "law, and the text of the law prevails.",
)


def evidence_of(
    consortium: Consortium,
    verified: VerifiedNumbers,
    commands: tuple[Command, ...],
    *,
    witness: tuple[str, str],
) -> Evidence:
    """The state of the log, with its last checkpoint; `witness` is (name, public key).

    Raises:
        VerificationError: the last checkpoint does not hold.
    """
    log = consortium.log
    text, covers, cosigned = "", 0, None
    if newest := log.store.newest_checkpoint():
        checkpoint, note = open_checkpoint(
            newest[1], origin=log.signer.name, public_key=log.signer.public_key
        )
        text, covers = newest[1].decode(), checkpoint.size
        at = cosigned_at(note, name=witness[0], public_key=witness[1])
        cosigned = None if at is None else minute(at)
    return Evidence(
        origin=log.signer.name,
        log_key=log.signer.public_key,
        size=log.size,
        root=log.root.hex(),
        checkpoint=text,
        covers=covers,
        witness=witness[0],
        witness_key=witness[1],
        cosigned_at=cosigned,
        rulebook=consortium.state.rulebook,
        verified=verified,
        commands=commands,
    )


def verified_figure(verified: VerifiedNumbers) -> Figure:
    """The figure of an independent check in the headline."""
    if verified.faults:
        return Figure(
            label=Text(zh="日志核验", en="log verified"),
            value=f"✗ {verified.faults}",
            note=Text(zh=f"发现 {verified.faults} 处问题", en=f"faults found: {verified.faults}"),
            tone="stop",
        )
    return Figure(
        label=Text(zh="日志核验", en="log verified"),
        value="✓",
        note=Text(
            zh=f"重放 {verified.decisions} 项判定，零差错",
            en=f"{verified.decisions} decisions replayed, no fault",
        ),
        tone="good",
    )


VERIFY = Command(
    line="heyi verify DIR",
    does=Text(
        zh="重放全部判定，核对许可、回执、结算和每个检查点",
        en="replay every decision; check permits, receipts, settlements and each checkpoint",
    ),
)


def statement_command(party: str) -> Command:
    return Command(
        line=f"heyi statement DIR --party {party}",
        does=Text(
            zh="调出一家机构的结算单并重新计算",
            en="show an institution's statement and compute it again",
        ),
    )


RULES = Command(
    line="heyi rules show",
    does=Text(
        zh="逐条阅读判定所依据的规则与条文",
        en="read the rules and articles that decide, one by one",
    ),
)
