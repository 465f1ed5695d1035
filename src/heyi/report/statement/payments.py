"""The list of payments for a finance office: one row a share of an approved settlement."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

from heyi.exchange.money.pay import due_fen
from heyi.exchange.state import State

HEADINGS = (
    *(
        "study",
        "institution",
        "name_zh",
        "name_en",
        "payment",
        "share_fen",
        "paid_before_fen",
        "amount_fen",
        "amount",
    ),
    *("stage", "certificate"),
)


def payments_csv(state: State, cases: Iterable[str]) -> str:
    """Comma-separated values, UTF-8 with a byte-order mark for spreadsheet programs, one row an institution and study.

    `amount` is what this settlement pays beyond what was paid before; `stage` says whether it is paid yet. Amounts are
    whole fen, and once in yuan (points) with two decimals and no separators. A text that a spreadsheet
    would take for a formula gets an apostrophe before it.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(HEADINGS)
    for name in cases:
        case = state.cases[name]
        for party, due in due_fen(case.settlement).items():
            stage, known = case.stages[party], state.parties[party]
            share = case.settlement["shares_fen"][party]
            writer.writerow(
                [
                    *(_plain(v) for v in (name, party, known.zh, known.en)),
                    case.specification["payment"],
                    share,
                    share - due,
                    due,
                    f"{due // 100}.{due % 100:02d}",
                    stage.value,
                    case.settlement["certificate"],
                ]
            )
    return "\ufeff" + text.getvalue()


def _plain(value: str) -> str:
    return f"'{value}" if value.startswith(("=", "+", "-", "@", "\t", "\r")) else value
