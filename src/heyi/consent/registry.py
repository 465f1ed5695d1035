"""The registry of withdrawals: which subjects no longer take part, and in what.

A subject is a token, HMAC-SHA256 of the resident ID number under the institutions' linkage key, which the platform
does not hold. Withdrawal works forward (PIPL art. 15): what was computed before stays valid.
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
    """The fold of withdrawals at one node."""

    def __init__(self, withdrawals: Iterable[Withdrawal] = ()) -> None:
        self._scopes: dict[str, set[str]] = {}
        for withdrawal in withdrawals:
            self.add(withdrawal)

    def add(self, withdrawal: Withdrawal) -> None:
        self._scopes.setdefault(withdrawal.scope, set()).add(withdrawal.token)

    def withdrawn(self, case: str) -> frozenset[str]:
        """Tokens of the subjects whose records a run for `case` must leave out."""
        return frozenset(self._scopes.get(EVERYTHING, set()) | self._scopes.get(case, set()))
