"""Worker processes on one machine, which evaluate chunks of coalitions.

A cluster would be another `Executor`: it maps a function over chunks and keeps their order.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import BrokenExecutor

from joblib import Parallel, delayed

from heyi.model.errors import InvalidInput
from heyi.settlement.evaluate import Evaluate


class Workers:
    """An executor with `count` processes (joblib, loky); one worker is this process itself.

    A program that ends its process (`os._exit`) ends one of several workers, which is an error. If
    it runs in the only worker, it ends `heyi` itself, and nothing can report that. Finished chunks
    are stored by then.
    """

    def __init__(self, count: int) -> None:
        if count < 1:
            raise InvalidInput(f"{count} workers cannot work", hint="at least 1")
        self.count = count

    def run(self, evaluate: Evaluate, chunks: Sequence[Sequence[int]]) -> Iterator[list[int]]:
        """Yield the values of each chunk, in the order of the chunks, as soon as they are known.

        Raises:
            InvalidInput: a worker process died; the chunks before it were yielded.
        """
        # A generator, so that finished chunks can be stored while others are computed. The limit on
        # chunks in advance keeps memory small when there are very many.
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
