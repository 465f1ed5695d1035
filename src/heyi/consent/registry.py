"""The registry of withdrawals: which subjects no longer take part, and in which cases.

A subject is a token: HMAC-SHA256 of the resident ID number under the linkage key of the
institutions. The platform does not have this key. A withdrawal changes only later runs
(PIPL art. 15); earlier results stay valid.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

EVERYTHING = "*"


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawal:
    """`scope` is a case id or `*`; `at` is Unix time in seconds; `token` is hexadecimal."""

    token: str
    scope: str
    at: int


class WithdrawalRegistry:
    """All withdrawals that one node knows."""

    def __init__(self, withdrawals: Iterable[Withdrawal] = ()) -> None:
        self._scopes: dict[str, set[str]] = {}
        for withdrawal in withdrawals:
            self.add(withdrawal)

    def add(self, withdrawal: Withdrawal) -> None:
        self._scopes.setdefault(withdrawal.scope, set()).add(withdrawal.token)

    def withdrawn(self, case: str) -> frozenset[str]:
        """The tokens of the subjects whose records a run for `case` must leave out."""
        return frozenset(self._scopes.get(EVERYTHING, set()) | self._scopes.get(case, set()))
