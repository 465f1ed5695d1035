"""Shapley values by other libraries: shapiq, pyDVL, shap, and a textbook loop compiled by numba.

The libraries pin an older numpy than Heyi needs. So this script runs in another environment
(`make peers`) and imports nothing of Heyi. It reads a task as JSON from standard input and writes
the answer as JSON to standard output:

    {"do": "exact", "with": "shapiq" | "shap" | "textbook", "file": "values.npy"}
    {"do": "sampled", "players": n, "game": name, "seed": of the game, "evaluations": m,
     "seeds": [...]}
    {"do": "institutions", "file": "records.npz", "cached": true}        (pyDVL, grouped records)
"""

from __future__ import annotations

import json
import sys
import time
import warnings
from collections.abc import Callable
from math import factorial
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.games import games_of

Array = Any
SAMPLERS = (
    "KernelSHAP",
    "UnbiasedKernelSHAP",
    "PermutationSamplingSV",
    "StratifiedSamplingSV",
    "SVARM",
)
"""Samplers of shapiq; KernelSHAP and SVARM draw coalitions in pairs of complements."""


def to_shapiq(values: Array) -> Callable[[Array], Array]:
    """The game `values[mask]` as shapiq wants it: a function of rows of memberships."""
    powers = 1 << np.arange(len(values).bit_length() - 1)
    return lambda coalitions: values[np.asarray(coalitions, dtype=bool) @ powers]


def from_shapiq(interactions: Any, players: int) -> list[float]:
    """The value of each player."""
    return [float(interactions.dict_values.get((i,), 0.0)) for i in range(players)]


def exact(task: dict[str, Any]) -> dict[str, Any]:
    """The values of a game that is given by all its utilities."""
    values = np.load(task["file"])
    n = len(values).bit_length() - 1
    if task["with"] == "shapiq":
        import shapiq

        begun = time.perf_counter()
        phi = from_shapiq(shapiq.ExactComputer(to_shapiq(values), n_players=n)("SV"), n)
        return {"seconds": time.perf_counter() - begun, "phi": phi}
    if task["with"] == "shap":
        import shap

        if task.get("warm", True):  # the first call compiles
            small = values[:16].copy()
            np.save(Path(task["file"]).with_suffix(".small.npy"), small)
            exact(
                {**task, "file": str(Path(task["file"]).with_suffix(".small.npy")), "warm": False}
            )
        masker = shap.maskers.Independent(np.zeros((1, n)), max_samples=1)
        explainer = shap.explainers.ExactExplainer(to_shapiq(values), masker)
        begun = time.perf_counter()
        found = explainer(np.ones((1, n)), max_evals=1 << 30, silent=True)
        return {"seconds": time.perf_counter() - begun, "phi": found.values[0].tolist()}
    loop = textbook()
    loop(values[:4], 2)
    begun = time.perf_counter()
    phi = loop(values, n)
    return {"seconds": time.perf_counter() - begun, "phi": phi.tolist()}


def textbook() -> Callable[[Array, int], Array]:
    """phi_i = sum over S without i of |S|! (n-|S|-1)! / n! (v(S with i) - v(S)), compiled."""
    import numba

    @numba.njit  # type: ignore[untyped-decorator,unused-ignore]
    def marginals(values: Array, weights: Array, n: int) -> Array:
        phi = np.zeros(n)
        for mask in range(1 << n):
            size = 0
            rest = mask
            while rest:
                rest &= rest - 1
                size += 1
            for i in range(n):
                if not mask >> i & 1:
                    phi[i] += weights[size] * (values[mask | 1 << i] - values[mask])
        return phi

    def value(values: Array, n: int) -> Array:
        weights = np.array(
            [factorial(k) * factorial(n - k - 1) / factorial(n) for k in range(n)] + [0.0]
        )
        return marginals(values, weights, n)

    return value


def sampled(task: dict[str, Any]) -> dict[str, Any]:
    """Estimates by every method for every seed.

    Raises:
        SystemExit: a method evaluated more coalitions than the task allows.
    """
    import shapiq

    n, budget = task["players"], task["evaluations"]
    utility = games_of(n, task["seed"])[task["game"]].utility
    found: dict[str, list[list[float]]] = {}
    seconds: dict[str, float] = {}
    for name in SAMPLERS:
        paired = {"pairing_trick": True} if name in ("KernelSHAP", "SVARM") else {}
        begun = time.perf_counter()
        for seed in task["seeds"]:
            asked = [0]

            def game(coalitions: Array, asked: list[int] = asked) -> Array:
                rows = np.atleast_2d(np.asarray(coalitions, dtype=bool))
                asked[0] += len(rows)
                return utility(rows).astype(float)

            approximator = getattr(shapiq, name)(n=n, random_state=seed, **paired)
            phi = from_shapiq(approximator.approximate(budget, game), n)
            if asked[0] > budget + 2:
                raise SystemExit(f"{name} evaluated {asked[0]} coalitions of {budget}")
            found.setdefault(name, []).append(phi)
        seconds[name] = (time.perf_counter() - begun) / len(task["seeds"])
    begun = time.perf_counter()
    found["pyDVL antithetic permutations"] = [
        permutations(utility, n, budget, seed) for seed in task["seeds"]
    ]
    seconds["pyDVL antithetic permutations"] = (time.perf_counter() - begun) / len(task["seeds"])
    return {"phi": found, "seconds": seconds}


def permutations(utility: Callable[[Array], Array], n: int, budget: int, seed: int) -> list[float]:
    """An estimate by pyDVL's antithetic permutations with about `budget` evaluations."""
    from pydvl.valuation import (
        AntitheticPermutationSampler,
        Dataset,
        MinUpdates,
        ShapleyValuation,
    )
    from pydvl.valuation.utility.base import UtilityBase

    class Table(UtilityBase):  # type: ignore[misc]
        asked = 0

        def __call__(self, sample: Any) -> float:
            row = np.zeros((1, n), dtype=bool)
            if sample is None or len(sample.subset) == 0:
                return 0.0
            row[0, np.asarray(sample.subset, dtype=int)] = True
            self.asked += 1
            return float(utility(row)[0])

    data = Dataset(np.zeros((n, 1)), np.zeros(n, dtype=int))
    value = ShapleyValuation(
        Table(), AntitheticPermutationSampler(seed=seed), MinUpdates(budget // n)
    )
    value.fit(data)
    return [float(x) for x in value.result.values]


def institutions(task: dict[str, Any]) -> dict[str, Any]:
    """Contributions of institutions to a logistic model, as a user of pyDVL computes them."""
    from pydvl.utils.caching import InMemoryCacheBackend
    from pydvl.valuation import (
        Dataset,
        DeterministicUniformSampler,
        GroupedDataset,
        ModelUtility,
        NoStopping,
        ShapleyValuation,
    )
    from pydvl.valuation.scorers import SupervisedScorer
    from sklearn.linear_model import LogisticRegression

    stored = np.load(task["file"])
    x, y, site = stored["x"], stored["y"], stored["site"]

    def improvement(model: Any, x_test: Array, y_test: Array) -> float:
        eta = model.decision_function(x_test)
        return float((y_test * eta - np.logaddexp(0, eta)).sum() + len(y_test) * np.log(2))

    begun = time.perf_counter()
    train = GroupedDataset(x, y, site.tolist())
    scorer = SupervisedScorer(improvement, Dataset(x, y), default=0.0)
    model = LogisticRegression(C=1.0, solver="newton-cholesky", tol=1e-10)
    cache = {"cache_backend": InMemoryCacheBackend()} if task["cached"] else {}
    utility = ModelUtility(model, scorer, show_warnings=False, **cache)
    value = ShapleyValuation(
        utility, DeterministicUniformSampler(), NoStopping(), show_warnings=False
    )
    value.fit(train)
    return {"seconds": time.perf_counter() - begun, "phi": [float(v) for v in value.result.values]}


def main() -> None:
    warnings.simplefilter("ignore")
    task = json.load(sys.stdin)
    done = {"exact": exact, "sampled": sampled, "institutions": institutions}[task["do"]](task)
    json.dump(done, sys.stdout)


if __name__ == "__main__":
    main()
