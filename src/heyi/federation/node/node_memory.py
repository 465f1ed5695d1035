"""What a node knows, folded from its own log: revocations, withdrawals, pins and charges.

Nothing of it is kept beside the log. Whoever sets a count back must cut the log, and the centre
has receipts of what was cut.
"""

from __future__ import annotations

from heyi.audit.event import from_leaf
from heyi.audit.log_store import Entry
from heyi.consent.registry import Withdrawal, WithdrawalRegistry
from heyi.crypto.canonical import from_canonical
from heyi.crypto.commitment import verify_commitment
from heyi.federation.node.node_events import (
    CallCharged,
    NodeEvent,
    NodeReceipt,
    NodeRevoked,
    NodeWithdrew,
    QuestionPinned,
    WithdrawnToken,
    read_node_event,
)
from heyi.model.errors import VerificationError

RESTORE = "restore the node's log from its backup"


class NodeMemory:
    """The state of a node after the first `size` entries of its log."""

    def __init__(self) -> None:
        self.size = 0
        self.revoked: set[str] = set()
        self.registry = WithdrawalRegistry()
        self.withdrawals = 0
        self._pins: dict[tuple[str, str], str] = {}
        self._charged: dict[str, int] = {}

    def charged(self, permit: str) -> int:
        """The highest call number that was charged under a permit, 0 if none."""
        return self._charged.get(permit, 0)

    def pinned(self, permit: str, what: str) -> str | None:
        """The digest of the first list of this kind under a permit."""
        return self._pins.get((permit, what))

    def take(self, entry: Entry) -> None:
        """Fold the next entry as it is stored.

        Raises:
            VerificationError: it is not the next one, or no event of a node, or the token of a
                withdrawal is gone or exchanged. A node that does not know who withdrew must not
                answer.
        """
        if entry.index != self.size:
            raise VerificationError(f"entry {self.size} of the node's log is missing", hint=RESTORE)
        event = from_leaf(entry.leaf)
        if event.commitment is not None:
            if entry.body is None or entry.key is None:
                raise VerificationError(
                    f"entry {entry.index} of the node's log has lost its body", hint=RESTORE
                )
            verify_commitment(event.commitment, entry.body, entry.key)
        body = None if entry.body is None else from_canonical(entry.body)
        what, token = read_node_event(event, body)
        self._fold(what, token)
        self.size += 1

    def _fold(self, what: NodeEvent, token: WithdrawnToken | None) -> None:
        match what:
            case NodeRevoked():
                self.revoked.add(what.permit)
            case NodeWithdrew() if token is not None:
                self.registry.add(Withdrawal(token=token.token, scope=what.scope, at=what.at))
                self.withdrawals += 1
            case QuestionPinned():
                # the first list counts, whatever was appended later
                self._pins.setdefault((what.permit, what.what), what.digest)
            case CallCharged():
                self._charged[what.permit] = max(what.number, self.charged(what.permit))
            case NodeReceipt():
                pass  # it reports a call that was charged before, or that was never allowed
            case _:
                raise VerificationError(f"`{what.KIND}` is not folded", hint="upgrade heyi")
