"""A node: the institution's own enforcement point beside its data.

It verifies the permit against keys that it pinned itself and logs the charge of the call before it
computes. It leaves out withdrawn subjects and checks disclosure. It answers with a signed receipt
and writes the receipt into its own log. A refusal is an answer. Its own log is all that it
remembers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Literal, Protocol

import numpy as np

from heyi.audit.log import Log
from heyi.consent.registry import Withdrawal
from heyi.crypto.canonical import Json, digest
from heyi.crypto.keys import Signer
from heyi.federation.aggregation import mask
from heyi.federation.elementary import Floats
from heyi.federation.frequency import count
from heyi.federation.linkage import token, withdrawal_token
from heyi.federation.node.answer_tokens import answer_tokens
from heyi.federation.node.disclosure import hold_back, regression_refusal
from heyi.federation.node.enforce import NodePolicy, enforce, verify_caller
from heyi.federation.node.node_events import (
    CallCharged,
    NodeRevoked,
    NodeWithdrew,
    QuestionPinned,
    WithdrawnToken,
    draft_node_event,
    receipt_event,
)
from heyi.federation.node.node_log import NodeLog
from heyi.federation.questions import answer_question, leaving_out, peers_of
from heyi.federation.regression import design
from heyi.federation.wire.answer import Answer
from heyi.federation.wire.call import Call
from heyi.federation.wire.operation import CANNOT_COMPUTE, Refusal
from heyi.federation.wire.receipt import Receipt, sign_receipt
from heyi.model.errors import InvalidInput, VerificationError
from heyi.model.permit import Permit
from heyi.permits.verify import named_holder, verify_permit


class Records(Protocol):
    """The institution's own data, read by computations at the node only."""

    def columns(self, asset: str, kinds: Sequence[str]) -> Mapping[str, Floats]:
        """Decoded columns by kind, one value for each record; NaN is missing."""

    def holder(self, asset: str) -> str:
        """The party that holds the asset."""

    def digest(self, asset: str) -> str:
        """SHA-256 of the file that the asset was read from."""

    def persons(self, asset: str) -> Sequence[str | None]:
        """The valid resident ID number of each record, or None."""


class Node:
    """The enforcement point of one host, for its own data and for parties that it hosts.

    `signers` has the key of each holder served here. `issuer` is the platform's name and public
    key, pinned by the institution. `clock` is the node's own time in Unix seconds.

    Raises:
        VerificationError: the log holds what no node of this version wrote, or other entries than
            its checkpoint covers, or it has lost the token of a withdrawal.
    """

    def __init__(
        self,
        *,
        host: str,
        signers: Mapping[str, Signer],
        issuer: tuple[str, str],
        records: Records,
        log: Log,
        linkage_key: bytes,
        clock: Callable[[], int],
        policy: NodePolicy | None = None,
    ) -> None:
        self.host = host
        self.log = log
        self.policy = policy or NodePolicy()
        self._signers = dict(signers)
        self._issuer = issuer
        self._records = records
        self._linkage_key = linkage_key
        self._clock = clock
        self._verified: dict[str, Permit] = {}
        self._own = NodeLog(log, host=host)

    def _admit(self, call: Call, permit: Permit) -> Refusal | None:
        """A refusal; or None, and the call is charged.

        One transaction, so that two processes never both admit one number.
        """
        with self._own.writing() as group:
            now, revoked = self._clock(), permit.id in self._own.memory.revoked
            if refusal := enforce(call, permit, now=now, revoked=revoked, policy=self.policy):
                return refusal
            # Numbers may skip: an answer that got lost costs its number and nothing else.
            if not self._own.memory.charged(permit.id) < call.number <= permit.max_calls:
                return Refusal(
                    code="calls",
                    zh=f"调用序号已用过，或已用尽 {permit.max_calls} 次",
                    en=f"the call number was used before, or all {permit.max_calls} calls were "
                    "used",
                )
            charge = CallCharged(permit=permit.id, number=call.number)
            group.add([draft_node_event(charge, at=now, actor=self.host, case=permit.case)])
        return None

    def _pin(
        self, permit: Permit, what: Literal["without", "peers"], value: Json
    ) -> Refusal | None:
        """Refuse a list that differs from the first one of its kind under this permit.

        Two answers about lists that differ by one person, or one institution, would reveal it. The
        first list is logged, so it stays pinned after a restart.
        """
        pin = QuestionPinned(permit=permit.id, what=what, digest=digest(value))
        with self._own.writing() as group:
            known = self._own.memory.pinned(permit.id, what)
            if known is None:
                now = self._clock()
                group.add([draft_node_event(pin, at=now, actor=self.host, case=permit.case)])
        if known is None or known == pin.digest:
            return None
        zh = {"without": "排除的人员", "peers": "参与掩码的机构"}[what]
        en = {"without": "persons to leave out", "peers": "institutions to mask among"}[what]
        return Refusal(
            code="list-changed",
            zh=f"{zh}与本许可第一次所用的不同；须另行申请许可",
            en=f"the {en} are others than at the first call under this permit; "
            "ask for a new permit",
        )

    def revoke(self, permit: str, at: int) -> None:
        """Refuse everything under this permit from now on, also after a restart.

        `at` is when the centre revoked, in Unix seconds.

        Raises:
            InvalidInput: the node's clock is behind its own log, or `permit` or `at` is malformed.
            StoreError: it could not be logged, so the permit is still in force here.
        """
        with self._own.writing() as group:
            if permit not in self._own.memory.revoked:
                what = NodeRevoked(permit=permit, at=at)
                group.add([draft_node_event(what, at=self._clock(), actor=self.host)])

    def withdraw(self, withdrawal: Withdrawal) -> None:
        """Leave this subject's records out from now on, also after a restart.

        Raises: as `revoke` does.
        """
        # the token is in the erasable body only, never in the leaf
        what = NodeWithdrew(scope=withdrawal.scope, at=withdrawal.at)
        body = WithdrawnToken(token=withdrawal.token)
        with self._own.writing() as group:
            group.add([draft_node_event(what, at=self._clock(), actor=self.host, body=body)])

    @property
    def withdrawals(self) -> int:
        """How many withdrawals the node was told so far."""
        with self._own.writing():  # the memory takes in the newest entries here
            return self._own.memory.withdrawals

    def withdrawal_token(self, resident_id: str) -> str:
        """The token under which a subject withdraws; only institutions have the key for it."""
        return withdrawal_token(self._linkage_key, resident_id)

    def handle(self, call: Call) -> Answer:
        """Answer a call.

        Raises:
            VerificationError: the permit itself does not hold, or its requester did not sign the
                call, so there is nothing to sign and nothing is logged.
            InvalidInput: the argument cannot be written canonically, and nothing was charged; or
                the node's clock is behind its own log, and no answer leaves the node.
            StoreError: the call could not be charged or logged; no answer leaves the node.
        """
        # (1) The permit holds, its requester calls, and the argument can be signed for. Tokens are
        # public: a stranger must not be able to write into this log.
        permit, argument = self._open(call.token), call.argument_digest
        verify_caller(call, permit)
        # (2) The call is allowed under the permit, and charged before it is computed: a crash may
        # cost a call, but never lets one be answered twice.
        refusal = self._admit(call, permit)
        # (3) The operation runs.
        result: Json = None
        if refusal is None:
            try:
                result, refusal = self._compute(call, permit)
            except InvalidInput as e:
                refusal = Refusal(
                    code=CANNOT_COMPUTE,
                    zh=f"无法计算：{e.message}",
                    en=f"cannot be computed: {e.message}",
                )
        # (4) The receipt is signed and logged before anything leaves the node.
        receipt = Receipt(
            permit=permit.id,
            holder=permit.holder,
            host=self.host,
            operation=call.operation.digest,
            argument=argument,
            number=call.number,
            refusal=refusal.code if refusal else "",
            result="" if refusal else digest(result),
            at=self._clock(),
        )
        signed = sign_receipt(receipt, self._signers[permit.holder])
        draft = draft_node_event(
            receipt_event(signed), at=receipt.at, actor=permit.holder, case=permit.case
        )
        with self._own.writing() as group:
            group.add([draft])
        return Answer(result=None if refusal else result, refusal=refusal, receipt=signed)

    def _open(self, permit_token: str) -> Permit:
        """The permit, verified against pinned keys; a verified token is remembered."""
        # the keys never change while the node runs; expiry and revocation are checked at each call
        if permit_token not in self._verified:
            holder = named_holder(permit_token)
            if holder not in self._signers:
                raise VerificationError(
                    f"the permit is for no institution at the node of `{self.host}`"
                )
            key = self._signers[holder].public_key
            permit = verify_permit(permit_token, issuer=self._issuer, holder=(holder, key))
            if permit.audience != self.host:
                raise VerificationError(
                    f"permit `{permit.id}` is for the node of `{permit.audience}`"
                )
            self._verified[permit_token] = permit
        return self._verified[permit_token]

    def _compute(self, call: Call, permit: Permit) -> tuple[Json, Refusal | None]:
        operation = call.operation
        if self._records.holder(permit.asset) != permit.holder:
            return None, Refusal(
                code="holder",
                zh="数据不属于签发许可的机构",
                en="the data are not those of the institution that signed",
            )
        if self._records.digest(permit.asset) != permit.data:
            return None, Refusal(
                code="data-changed",
                zh="数据文件与登记、许可所载的不同",
                en="the data are another file than was registered and permitted",
            )
        columns = self._records.columns(permit.asset, operation.kinds)
        persons = self._records.persons(permit.asset)
        withdrawn = self._own.memory.registry.withdrawn(permit.case)
        keep = np.array(
            [
                not withdrawn or p is None or self.withdrawal_token(p) not in withdrawn
                for p in persons
            ],
            dtype=np.bool_,
        )
        min_cell = max(permit.min_cell, self.policy.min_cell)
        match operation.name:
            case "frequency":
                return {"cells": hold_back(count(operation, columns, keep), min_cell)}, None
            case "logistic":
                asked, without = leaving_out(call.argument)
                if without:
                    # records that are left out could be computed from two answers, with and without
                    stay = np.array(
                        [p is None or self._token(permit, p) not in without for p in persons]
                    )
                    if 0 < int((keep & ~stay).sum()) < min_cell:
                        return None, Refusal(
                            code="too-few-records",
                            zh="排除的记录过少，会暴露个人",
                            en="too few records are left out, which would tell about them",
                        )
                    keep &= stay
                data = design(operation, columns, keep)
                if refusal := regression_refusal(data, min_cell):
                    return None, refusal
                context = [permit.case, operation.digest, call.argument_digest, call.number]
                hide = partial(mask, key=self._linkage_key, own=permit.id, context=context)
                result = answer_question(operation, data, asked, hide)
                # lists are pinned only after the question was found valid
                refusal = self._pin(permit, "without", sorted(without))
                if refusal is None and (peers := peers_of(asked)) is not None:
                    refusal = self._pin(permit, "peers", peers)
                return (None, refusal) if refusal else (result, None)
            case _:
                name = partial(self._token, permit)
                return answer_tokens(operation, columns, persons, keep, name, min_cell)

    def _token(self, permit: Permit, person: str) -> str:
        return token(self._linkage_key, permit.case, person)
