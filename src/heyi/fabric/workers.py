"""Workers on one machine: processes that evaluate chunks of coalitions, whose results come back in order.

A cluster is another `Executor`: whatever can map a function over chunks and keep their order.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import BrokenExecutor

from joblib import Parallel, delayed

from heyi.model.errors import InvalidInput
from heyi.settlement.evaluate import Evaluate


class Workers:
    """An executor of `count` processes (joblib, loky)."""

    def __init__(self, count: int) -> None:
        if count < 1:
            raise InvalidInput(f"{count} workers cannot work", hint="at least 1")
        self.count = count

    def run(self, evaluate: Evaluate, chunks: Sequence[Sequence[int]]) -> Iterator[list[int]]:
        """The values of each chunk, in the order of the chunks, as they become known.

        Raises:
            InvalidInput: a worker ended; what came before was given.
        """
        work = (delayed(evaluate)(chunk) for chunk in chunks)
        parallel = Parallel(
            n_jobs=self.count, return_as="generator", pre_dispatch="2 * n_jobs", batch_size=1
        )
        try:
            yield from parallel(work)
        except BrokenExecutor as e:
            raise InvalidInput(
                "a worker ended in the middle of its work",
                hint="see whether memory is short, and run again",
            ) from e
