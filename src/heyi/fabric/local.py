"""A fabric without a network: nodes in the same process."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from heyi.consent.registry import Withdrawal
from heyi.federation.node.node import Node
from heyi.federation.wire.answer import Answer
from heyi.federation.wire.call import Call
from heyi.model.errors import InvalidInput


@dataclass(slots=True)
class LocalFabric:
    """Nodes in the same process, by host."""

    nodes: dict[str, Node] = field(default_factory=dict)

    def send(self, host: str, call: Call) -> Answer:
        return self._node(host).handle(call)

    def revoke(self, host: str, permit: str, at: int) -> None:
        """Tell a node that a permit was revoked at `at`, the centre's time in Unix seconds."""
        self._node(host).revoke(permit, at)

    def withdraw(self, hosts: Sequence[str], token: str, scope: str, at: int) -> None:
        """Tell all connected nodes among `hosts` that a subject withdrew at `at`, as above."""
        for host in hosts:
            if host in self.nodes:
                self.nodes[host].withdraw(Withdrawal(token=token, scope=scope, at=at))

    def _node(self, host: str) -> Node:
        if host not in self.nodes:
            raise InvalidInput(
                f"no node of `{host}` is connected", hint="start it, or leave the institution out"
            )
        return self.nodes[host]
