"""Use of permits: send operations to nodes, and log each answer or refusal with its receipt."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from heyi.consent.registry import EVERYTHING
from heyi.crypto.canonical import Json
from heyi.crypto.codec import from_json
from heyi.exchange.case_file import Case
from heyi.exchange.consortium import Consortium, command
from heyi.exchange.events import used
from heyi.exchange.events.typed import TypedEvent
from heyi.exchange.request.grant import seat
from heyi.exchange.writer import Done
from heyi.federation import frequency, linkage
from heyi.federation.centre import driver
from heyi.federation.centre.coalitions import (
    NEAR,
    Fit,
    concordances,
    fit_coalitions,
    informations,
    log_likelihoods,
    own_optima,
)
from heyi.federation.centre.driver import Exchanged, Seat
from heyi.federation.questions import is_masked
from heyi.federation.wire.operation import CANNOT_COMPUTE, Operation
from heyi.model.errors import InvalidInput, Refused
from heyi.settlement.guards import Twin, joined
from heyi.settlement.owners import ultimate


class Session:
    """One requester's use of the permits of one case.

    `by` runs it. It counts calls; nodes count them too, and durably. `tokens` and `left_out` are
    filled by `overlap`: tokens by holder, and the refusals of holders that take no further part.
    """

    def __init__(self, consortium: Consortium, case: str, *, by: str) -> None:
        self.consortium = consortium
        self.by = by
        self._id = case
        # a revoked permit is still sent: it is the node that refuses
        self.seats = [seat(consortium, case, p) for p in sorted(self.case.permits)]
        self.operations = {
            name: Operation(name=name, params=params)
            for name, params in self.case.request.operations.items()
        }
        self.tokens: dict[str, set[str]] = {}
        self.left_out: dict[str, dict[str, str]] = {}
        self._signer = consortium.keyring.signer(self.case.request.requester)

    @property
    def case(self) -> Case:
        """The case as the log has it now."""
        return self.consortium.case(self._id)

    @property
    def _transport(self) -> driver.Transport:
        return {
            "send": self.consortium.fabric.send,
            "requester": self._signer,
            "announce": self.announce,
        }

    def announce(self, operation: Operation, calls: list[tuple[str, int, str]]) -> None:
        """Log the calls before they are sent, so that a call without a receipt is known too."""
        what = used.OperationAsked(operation=operation.digest, calls=tuple(calls))
        # so a call that stands after a revocation or a withdrawal reaches a node that was told
        with self.consortium.telling:
            _log(self.consortium, self.case.id, [what], by=[self.case.request.requester])

    def operation(self, name: str) -> Operation:
        if name not in self.operations:
            raise InvalidInput(f"case `{self.case.id}` asks for no operation `{name}`")
        return self.operations[name]

    def frequencies(self) -> used.ResultReleased:
        """Ask every seat for its frequency table, and release the joined one."""
        operation = self.operation("frequency")
        got = driver.ask(self.seats, operation, {}, **self._transport)
        self.record(got)
        joined = (
            frequency.join(list(got.results.values()))
            if got.results
            else {"cells": [], "held_back": []}
        )
        labels = {"labels": frequency.labels(operation), "by": operation.params["by"]}
        return self.release(operation, sorted(got.results), got.refusals, {**labels, **joined})

    def regress(
        self,
        *,
        coalitions: Callable[[int], list[int]] | None = None,
        on_round: Callable[[int], None] = lambda _: None,
    ) -> Regressed:
        """Fit the regression over all seats that take part, and release it.

        `coalitions` gives, for a number of seats, the masks of further models to fit in the same
        rounds, everybody last. These fits begin at the seats' own optima where all have one. A seat
        that refuses is left out, and the fit begins anew.

        Raises:
            Refused: fewer than two institutions take part, or one refuses where sums are masked.
        """
        operation = self.operation("logistic")
        seats = self._one_a_holder()
        refusals = dict(self.left_out)
        while len(seats) > 1:
            everybody = (1 << len(seats)) - 1
            masks, start = [everybody], None
            if coalitions:
                masks = coalitions(len(seats))
                start, got = own_optima(seats, operation, masks, **self._transport)
                self.record(got)
                # a seat that cannot compute an optimum alone can still give sums
                for_good = {h: r for h, r in got.refusals.items() if r["code"] != CANNOT_COMPUTE}
                if for_good:
                    refusals |= for_good
                    seats = [s for s in seats if s.permit.holder not in for_good]
                    continue
            fits, got = fit_coalitions(
                seats, operation, masks, start=start, on_round=on_round, **self._transport
            )
            self.record(got)
            if fits:
                return self._released(seats, operation, fits, refusals)
            refusals |= got.refusals
            if is_masked(operation):
                # a node masks among one list of peers only: two totals that differ by one
                # institution would reveal its sums
                break
            seats = [s for s in seats if s.permit.holder not in got.refusals]
        self.release(operation, [], refusals, {})
        why = _reasons(refusals)
        if is_masked(operation):
            raise Refused(
                f"masked sums need every institution: {why}",
                hint="grant anew without who cannot take part",
            )
        raise Refused(
            "a joint study needs two institutions, and "
            f"{'one' if seats else 'none'} took part: {why}",
            hint="see what each institution asks for",
        )

    def _released(
        self,
        seats: list[Seat],
        operation: Operation,
        fits: dict[int, Fit],
        refusals: dict[str, dict[str, str]],
    ) -> Regressed:
        """Release the joint model. Coefficients are logged in 1e-9; fits have them in 1e-12."""
        grand = fits[(1 << len(seats)) - 1]
        result = self.release(
            operation,
            [s.permit.holder for s in seats],
            refusals,
            {
                "coefficients_nano": [round(c / 1000) for c in grand.coefficients],
                "rounds": grand.rounds,
            },
        )
        return Regressed(
            seats=seats, operation=operation, fits=fits, refusals=refusals, result=result
        )

    def fit_near(self, regressed: Regressed, masks: Sequence[int]) -> None:
        """Fit the models of these coalitions near their optima, and add them to `regressed`.

        The fits begin at the institutions' own optima.

        Raises:
            Refused: an institution refuses.
        """
        masks = [m for m in masks if m not in regressed.fits]
        start, got = own_optima(regressed.seats, regressed.operation, masks, **self._transport)
        if {r["code"] for r in got.refusals.values()} <= {CANNOT_COMPUTE}:
            # an institution that cannot compute its optimum still gives sums: begin at zero
            self.record(got)
        else:
            self._recorded(got)
        fits, got = fit_coalitions(
            regressed.seats, regressed.operation, masks, start=start, within=NEAR, **self._transport
        )
        self._recorded(got)
        regressed.fits.update(fits)

    def likelihoods(self, regressed: Regressed) -> tuple[dict[int, int], list[list[int]] | None]:
        """Log-likelihoods by coalition over all complete cases, in 1e-12; mask 0 is the null model.

        Also the moments of the records' contributions, if every coalition has a model; else None.
        """
        totals, moments, got = log_likelihoods(
            regressed.seats, regressed.operation, regressed.models(), **self._transport
        )
        self._recorded(got)
        return totals, moments

    def concordances(self, regressed: Regressed) -> dict[int, int]:
        """For each coalition's model, the pairs of a case and a control that it ranks rightly, less
        those that it ranks wrongly."""
        totals, got = concordances(
            regressed.seats, regressed.operation, regressed.models(), **self._transport
        )
        self._recorded(got)
        return totals

    def informations(self, regressed: Regressed) -> list[npt.NDArray[np.float64]]:
        """The information matrix of each seat at the joint model."""
        grand = regressed.fits[(1 << len(regressed.seats)) - 1].coefficients
        matrices, got = informations(regressed.seats, regressed.operation, grand, **self._transport)
        self._recorded(got)
        return matrices

    def _recorded(self, got: Exchanged) -> None:
        self.record(got)
        if got.refusals:
            why = _reasons(got.refusals)
            raise Refused(f"an institution refused to evaluate the models: {why}")

    def _one_a_holder(self) -> list[Seat]:
        """The seats that take part, sorted by their holders' ids as players are."""
        holders = [s.permit.holder for s in self.seats]
        if twice := sorted({h for h in holders if holders.count(h) > 1}):
            raise InvalidInput(
                f"`{twice[0]}` takes part with two assets",
                hint="contributions are of institutions: join its files",
            )
        return sorted(
            (s for s in self.seats if s.permit.holder not in self.left_out),
            key=lambda s: s.permit.holder,
        )

    def overlap(self, weights: Sequence[int] = (1,)) -> tuple[list[str], list[dict[int, int]]]:
        """Ask who holds which persons; return the holders that answered, and counts by stratum.

        Each stratum has the number of persons by the set of holders that saw them, a bit mask in
        the order of the holders. `weights` are those of the strata. A person whom institutions put
        into different strata counts in the lightest one, so that no institution gains by choosing
        a stratum. A holder that refuses is left out of this session from then on, since its
        overlaps with others cannot be guarded.

        The values of a game are published, and their differences give these counts back. So a set
        of holders that shares fewer persons than the smallest cell of their permits counts as none.

        Raises:
            Refused: no institution answers.
        """
        operation = self.operation("tokens")
        got = driver.ask(self._one_a_holder(), operation, {}, **self._transport)
        self.record(got)
        self.left_out = got.refusals
        if not got.results:
            why = _reasons(got.refusals)
            raise Refused(
                f"no institution told which persons it holds: {why}",
                hint="see what each institution asks",
            )
        holders = sorted(got.results)
        answers = [linkage.from_answer(got.results[h], len(weights)) for h in holders]
        self.tokens = {
            h: {t for tokens, _ in a for t in tokens} for h, a in zip(holders, answers, strict=True)
        }
        least = max(s.permit.min_cell for s in self.seats)
        found = linkage.patterns(answers, weights)
        self.release(operation, holders, got.refusals, {})
        return holders, [
            {m: persons for m, persons in stratum.items() if persons >= least} for stratum in found
        ]

    def count_once(self, pairs: Sequence[Twin]) -> None:
        """Let only one of two twins count each person whom both hold, in regressions.

        The person's token chooses which, so that every run chooses the same and twins share the
        persons about equally.
        """
        owners = joined({}, pairs)
        groups: dict[str, list[str]] = {}
        for holder in sorted({h for pair in pairs for h in (pair.a, pair.b)}):
            groups.setdefault(ultimate(owners, [holder])[holder], []).append(holder)
        for members in groups.values():
            out: dict[str, list[str]] = {h: [] for h in members}
            for token in sorted(set.union(*(self.tokens[h] for h in members))):
                having = [h for h in members if token in self.tokens[h]]
                counts = having[int(token, 16) % len(having)]
                for h in having:
                    if h != counts:
                        out[h].append(token)
            for own in self.seats:
                if own.permit.holder in out:
                    own.without = out[own.permit.holder]

    def record(self, got: Exchanged) -> None:
        """Log every receipt; a replay compares them with each node's own log."""
        receipts = [
            from_json(r, used.OperationRefused if r["refusal"] else used.OperationAnswered)
            for r in got.receipts
        ]
        _log(self.consortium, self.case.id, receipts, by=[r.holder for r in receipts])

    def release(
        self,
        operation: Operation,
        answered: Sequence[str],
        refused: Mapping[str, Mapping[str, str]],
        figures: dict[str, Json],
    ) -> used.ResultReleased:
        """Log a joined result, with whose answers are in it."""
        result = used.ResultReleased(
            operation=operation.digest,
            answered=tuple(answered),
            refused={h: dict(r) for h, r in refused.items()},
            figures={"name": operation.name, **figures},
        )
        _log(self.consortium, self.case.id, [result], by=[self.by])
        return result


@command
def _log(
    consortium: Consortium, case: str, events: Sequence[TypedEvent], *, by: Sequence[str]
) -> Done[None]:
    """Log events of a case, each by its own actor."""
    drafts = [consortium.draft(e, by=who, case=case) for e, who in zip(events, by, strict=True)]
    return Done(drafts, None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Regressed:
    """A regression over `seats`: `fits` by coalition (a bit mask), and the released `result`."""

    seats: list[Seat]
    operation: Operation
    fits: dict[int, Fit]
    refusals: dict[str, dict[str, str]]
    result: used.ResultReleased

    def models(self) -> dict[int, tuple[int, ...]]:
        """Coefficients by coalition in the order of the masks; mask 0 is the null model."""
        null = (0,) * len(next(iter(self.fits.values())).coefficients)
        return {0: null, **{m: self.fits[m].coefficients for m in sorted(self.fits)}}


def _reasons(refusals: dict[str, dict[str, str]]) -> str:
    return "; ".join(f"`{holder}`: {refusal['en']}" for holder, refusal in sorted(refusals.items()))


def withdraw(
    consortium: Consortium, *, token: str, via: str, by: str, scope: str = EVERYTHING
) -> int:
    """Log that a subject withdraws consent, then tell every node; return the log index.

    The leaf has no identifier; the token is in the body. A node that opens later is told then.

    Raises:
        InvalidInput: `via`, the party that the subject came to, is unknown, or `scope` is no case.
    """
    with consortium.telling:
        index, at, hosts = _log_withdrawal(consortium, token=token, via=via, by=by, scope=scope)
        consortium.fabric.withdraw(hosts, token, scope, at)
    return index


@command
def _log_withdrawal(
    consortium: Consortium, *, token: str, via: str, by: str, scope: str
) -> Done[tuple[int, int, list[str]]]:
    consortium.party(via)
    if scope != EVERYTHING:
        consortium.case(scope)
    hosts = sorted(consortium.state.nodes)  # those without data too: they may get some
    event = consortium.draft(
        used.ConsentWithdrawn(scope=scope, via=via), by=by, body=used.Subject(token=token)
    )
    return Done([event], (consortium.writer.next_entry, consortium.now, hosts))
