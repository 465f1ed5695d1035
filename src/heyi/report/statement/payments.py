"""The list of payments for a finance office, one row for each institution and study."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

from heyi.exchange.money.pay import due_fen
from heyi.exchange.state import State

HEADINGS = (
    "study",
    "institution",
    "name_zh",
    "name_en",
    "payment",
    "share_fen",
    "paid_before_fen",
    "amount_fen",
    "amount",
    "stage",
    "certificate",
)


def payments_csv(state: State, cases: Iterable[str]) -> str:
    """The payments as comma-separated values, with a byte-order mark for spreadsheet programs.

    `amount_fen` is what this settlement pays beyond what was paid before; `stage` says whether it
    is paid yet. `amount` repeats it in yuan (or points) with two decimals and no separators.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(HEADINGS)
    for name in cases:
        case = state.cases[name]
        if case.settlement is None:
            continue
        for party, due in due_fen(case.settlement).items():
            stage, known = case.stages[party], state.parties[party]
            share = case.settlement.shares_fen[party]
            writer.writerow(
                [
                    *(_plain(v) for v in (name, party, known.zh, known.en)),
                    case.specification["payment"],
                    share,
                    share - due,
                    due,
                    f"{due // 100}.{due % 100:02d}",
                    stage.value,
                    case.settlement.certificate,
                ]
            )
    return "\ufeff" + text.getvalue()


def _plain(value: str) -> str:
    """The text, with an apostrophe before it if a spreadsheet would read it as a formula."""
    return f"'{value}" if value.startswith(("=", "+", "-", "@", "\t", "\r")) else value
