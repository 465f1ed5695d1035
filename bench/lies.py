"""Every lie of `oracles/lies` against a run of the size of the demo, and every flipped bit.

Prints which fault each lie gives, and exits with 1 where one is not found, is found more than once
or is named at another entry. Lies that nothing in the folder can show say who could find them.
About four minutes; `--quick` tries fewer bits. Run: make lies
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from random import Random

from heyi.app.centre import found
from heyi.county.story import tell_story
from heyi.store.folder import finish_run
from oracles.bit_flips import Flip, StoredLog, first_entries, stored
from oracles.lies import LIES
from oracles.lying import Unseen, Verdict, copy_run, try_lie

SEED, PERSONS = 7, 20_000
SAMPLED = 2_000


def tell_demo(directory: Path, persons: int) -> None:
    """The story of the demo, told once."""
    app = found(directory, seed=SEED, what="demo")
    tell_story(app, directory, seed=SEED, persons=persons, tell=lambda _: None)
    app.cosign()
    finish_run(directory)
    app.close()


def tell_lies(run: Path, work: Path) -> list[Verdict]:
    verdicts = []
    for lie in LIES:
        folder = work / "lie"
        copy_run(run, folder)
        verdicts.append(try_lie(lie, folder))
        shutil.rmtree(folder)
        print(_line(verdicts[-1]), flush=True)
    return verdicts


def _line(verdict: Verdict) -> str:
    name = verdict.lie.name.replace("_", " ")
    if isinstance(verdict.expected, Unseen):
        said = f"cannot be found here; who could: {verdict.expected.who}"
    else:
        said = "; ".join(verdict.found) or "shown, and no fault"
    mark = "ok  " if verdict.right else "FAIL"
    return f"{mark} {name:<52} {said}"


def flip_all(log: StoredLog, every: int) -> list[Flip]:
    """The flips that are not found, among every so many bits of a log."""
    missed, tried = [], Counter[str]()
    for n, flip in enumerate(log.flips()):
        if n % every == 0:
            tried[flip.field] += 1
            if not log.found_alone(flip):
                missed.append(flip)
    print(", ".join(f"{n} bits of `{field}`" for field, n in tried.items()), flush=True)
    return missed


def flip_some(log: StoredLog, count: int) -> list[Flip]:
    """The flips that the check of the whole log does not find, or not at their place."""
    missed, flips = [], Random(SEED).sample(list(log.flips()), count)
    for flip in flips:
        places = [entry for entry, _ in log.found_in_all(flip)]
        # a checkpoint belongs to no entry; what it alone covered is named in its place
        if not places or (flip.field != "note" and flip.at not in places):
            missed.append(flip)
    return missed


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--quick", action="store_true", help="fewer persons, fewer bits")
    quick = options.parse_args().quick
    begun = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        # the witness of this run remembers it here, not where the user's own witnesses do
        os.environ["HEYI_WITNESS"] = str(work / "witness")
        run = work / "run"
        tell_demo(run, 5_000 if quick else PERSONS)
        verdicts = tell_lies(run, work)
        unseen = sum(isinstance(v.expected, Unseen) for v in verdicts)
        wrong = [v.lie.name for v in verdicts if not v.right]
        print(f"\n{len(verdicts)} lies, {unseen} of them cannot be found, {len(wrong)} went wrong")

        copy_run(run, work / "small")
        missed = flip_all(first_entries(work / "small"), 1_000 if quick else 1)
        print(f"{len(missed)} flipped bits of a small log were not found {missed[:5]}")
        count = 20 if quick else SAMPLED
        elsewhere = flip_some(stored(run), count)
        print(f"{len(elsewhere)} of {count} flips in the demo went wrong {elsewhere[:5]}")
    print(f"{time.perf_counter() - begun:.0f} s")
    return 1 if wrong or missed or elsewhere else 0


if __name__ == "__main__":
    sys.exit(main())
