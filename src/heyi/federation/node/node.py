"""A node: the institution's own enforcement point beside its data.

It verifies the permit against keys that it pinned itself and charges the call durably before it
computes. It leaves out withdrawn subjects and checks disclosure. It answers with a signed receipt
and writes the receipt into its own log. A refusal is an answer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Protocol

import numpy as np
import numpy.typing as npt

from heyi.audit.event import Event, from_leaf
from heyi.audit.log import Draft, Log
from heyi.consent.registry import Withdrawal, WithdrawalRegistry
from heyi.crypto.canonical import Json, digest, from_canonical
from heyi.crypto.keys import Signer
from heyi.federation.aggregation import mask
from heyi.federation.elementary import Floats
from heyi.federation.frequency import classes, count, size_of
from heyi.federation.linkage import token, withdrawal_token
from heyi.federation.node.disclosure import hold_back, regression_refusal
from heyi.federation.node.enforce import NodePolicy, enforce
from heyi.federation.questions import answer_question, leaving_out, peers_of
from heyi.federation.regression import design
from heyi.federation.wire.answer import Answer
from heyi.federation.wire.call import Call
from heyi.federation.wire.operation import CANNOT_COMPUTE, Operation, Refusal
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


class Budget(Protocol):
    """The durable count of calls under each permit."""

    def charge(self, name: str, *, number: int, limit: int) -> bool:
        """Record call `number` durably; False if it is beyond `limit`.

        Also False if this or a higher number was used before (a replay).
        """


class Node:
    """The enforcement point of one host, for its own data and for parties that it hosts.

    `signers` has the key of each holder served here. `issuer` is the platform's name and public
    key, pinned by the institution.
    """

    def __init__(
        self,
        *,
        host: str,
        signers: Mapping[str, Signer],
        issuer: tuple[str, str],
        records: Records,
        budget: Budget,
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
        self._budget = budget
        self._linkage_key = linkage_key
        self._clock = clock
        self._registry = WithdrawalRegistry()
        self._revoked: set[str] = set()
        self._pins: dict[tuple[str, str], str] = {}
        self._verified: dict[str, Permit] = {}
        # the log is the node's memory: revocations, withdrawals and pins survive a restart
        for entry in log.store.entries():
            self._fold(from_leaf(entry.leaf), entry.body)

    def _fold(self, event: Event, body: bytes | None) -> None:
        if event.kind == "permit.revoked":
            self._revoked.add(event.public["permit"])
        elif event.kind == "question.pinned":
            self._pins[event.public["permit"], event.public["what"]] = event.public["digest"]
        elif event.kind == "consent.withdrawn" and body is not None:
            token_ = from_canonical(body)["token"]
            self._registry.add(Withdrawal(token=token_, scope=event.public["scope"], at=event.at))

    def _pin(self, permit: Permit, what: str, value: Json) -> Refusal | None:
        """Refuse a list that differs from the first one of its kind under this permit.

        Two answers about lists that differ by one person, or one institution, would reveal it. The
        first list is logged, so it stays pinned after a restart.
        """
        digested = digest(value)
        known = self._pins.get((permit.id, what))
        if known is None:
            public = {"permit": permit.id, "what": what, "digest": digested}
            event = Event(
                kind="question.pinned",
                at=self._clock(),
                actor=self.host,
                case=permit.case,
                public=public,
            )
            self.log.append([Draft(event=event)])
            self._pins[permit.id, what] = digested
        elif known != digested:
            zh = {"without": "排除的人员", "peers": "参与掩码的机构"}[what]
            en = {"without": "persons to leave out", "peers": "institutions to mask among"}[what]
            return Refusal(
                code="list-changed",
                zh=f"{zh}与本许可第一次所用的不同；须另行申请许可",
                en=f"the {en} are others than at the first call under this permit; "
                "ask for a new permit",
            )
        return None

    def revoke(self, permit: str) -> None:
        """Refuse everything under this permit from now on, also after a restart."""
        event = Event(
            kind="permit.revoked", at=self._clock(), actor=self.host, public={"permit": permit}
        )
        self.log.append([Draft(event=event)])
        self._revoked.add(permit)

    def withdraw(self, withdrawal: Withdrawal) -> None:
        """Leave this subject's records out from now on, also after a restart."""
        # the token is in the erasable body only, never in the leaf
        public = {"scope": withdrawal.scope}
        event = Event(kind="consent.withdrawn", at=withdrawal.at, actor=self.host, public=public)
        self.log.append([Draft(event=event, body={"token": withdrawal.token})])
        self._registry.add(withdrawal)

    def withdrawal_token(self, resident_id: str) -> str:
        """The token under which a subject withdraws; only institutions have the key for it."""
        return withdrawal_token(self._linkage_key, resident_id)

    def handle(self, call: Call) -> Answer:
        """Answer a call.

        Raises:
            VerificationError: the permit itself does not hold, so there is nothing to sign.
            InvalidInput: the argument cannot be written canonically; nothing was charged.
            StoreError: the call could not be charged or logged; no answer leaves the node.
        """
        # (1) The permit holds, and the call is allowed under it.
        permit, argument = self._open(call.token), call.argument_digest
        revoked = permit.id in self._revoked
        refusal = enforce(call, permit, now=self._clock(), revoked=revoked, policy=self.policy)
        # (2) The call is charged before it is computed: a crash may cost a call, but never lets one
        # be answered twice.
        if refusal is None and not self._budget.charge(
            permit.id, number=call.number, limit=permit.max_calls
        ):
            refusal = Refusal(
                code="calls",
                zh=f"调用序号已用过，或已用尽 {permit.max_calls} 次",
                en=f"the call number was used before, or all {permit.max_calls} calls were used",
            )
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
        kind = "operation.refused" if refusal else "operation.answered"
        self.log.append(
            [
                Draft(
                    event=Event(
                        kind=kind,
                        at=receipt.at,
                        actor=permit.holder,
                        case=permit.case,
                        public=signed,
                    )
                )
            ]
        )
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
        withdrawn = self._registry.withdrawn(permit.case)
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
                return self._tokens(call.operation, permit, columns, persons, keep, min_cell)

    def _token(self, permit: Permit, person: str) -> str:
        return token(self._linkage_key, permit.case, person)

    def _tokens(
        self,
        operation: Operation,
        permit: Permit,
        columns: Mapping[str, Floats],
        persons: Sequence[str | None],
        keep: npt.NDArray[np.bool_],
        min_cell: int,
    ) -> tuple[Json, Refusal | None]:
        """Tokens of persons with complete records, and the number of persons without a token.

        With strata, both are given by class. A person with records of several classes counts in the
        first of these.
        """
        complete = keep.copy()
        for column in columns.values():
            complete &= ~np.isnan(column)
        strata = operation.params.get("strata", ())
        flat, complete = (
            classes(strata, columns, complete)
            if strata
            else (np.zeros(complete.sum(), int), complete)
        )
        chosen = [p for p, c in zip(persons, complete, strict=True) if c]
        if len(chosen) < min_cell:
            return None, Refusal(code="too-few-records", zh="记录过少", en="too few records")
        found: dict[str, int] = {}
        unlinked = [0] * size_of(strata)
        # sorted by class, so that `setdefault` keeps the first class of each person
        for person, class_ in sorted(
            zip(chosen, flat.tolist(), strict=True), key=lambda row: row[1]
        ):
            if person is None:
                unlinked[class_] += 1
            else:
                found.setdefault(self._token(permit, person), class_)
        parts: list[Json] = [
            {"tokens": sorted(t for t, c in found.items() if c == n), "unlinked": unlinked[n]}
            for n in range(len(unlinked))
        ]
        if strata:
            for part in parts:
                part["unlinked"] = 0 if part["unlinked"] < min_cell else part["unlinked"]
            return {"strata": parts}, None
        return parts[0], None
