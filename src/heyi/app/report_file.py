"""Writing the report beside a run."""

from __future__ import annotations

from pathlib import Path

from heyi.app.verification import Verification
from heyi.model.errors import StoreError
from heyi.report.data import ReportData, VerifiedNumbers
from heyi.report.html import render_report


def write_report(directory: Path, data: ReportData) -> Path:
    """Render a report into `report.html`, whole or not at all.

    Raises:
        StoreError: it cannot be written.
    """
    path = directory / "report.html"
    partial = directory / ".report.html.partial"
    try:
        partial.write_text(render_report(data), encoding="utf-8")
        partial.replace(path)
    except OSError as e:
        raise StoreError(
            f"cannot write `{path}`: {e.strerror}", hint="free the disk and run again"
        ) from None
    return path


def numbers(verification: Verification) -> VerifiedNumbers:
    """A verification as the report shows it."""
    replayed = verification.replayed
    return VerifiedNumbers(
        decisions=replayed.decisions,
        permits=replayed.permits,
        receipts=replayed.receipts,
        settlements=replayed.settlements,
        erased=verification.erased,
        lost=tuple(replayed.erased),
        checkpoints=verification.centre.checkpoints
        + sum(r.checkpoints for r in verification.nodes.values()),
        faults=len(verification.faults),
    )
