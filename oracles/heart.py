"""The heart study: its files, and invented patients in the same form."""

from __future__ import annotations

import math
import random
from pathlib import Path

HEART = Path(__file__).resolve().parents[1] / "examples" / "heart"
FILES = {s: f"processed.{s}.data" for s in ("cleveland", "hungarian", "switzerland", "va")}
SCALING = {"age": (55, 10), "sex": (0, 1), "cp": (3, 1), "thalach": (140, 25), "exang": (0, 1)}
"""Centre and scale of each covariate, as the study file gives them."""
SIZES = {"cleveland": 200, "hungarian": 180, "switzerland": 90, "va": 150}
"""Patients of each site, enough that no site refuses to take part."""
POSITION = {"age": 0, "sex": 1, "cp": 2, "thalach": 7, "exang": 8}
"""Column of each covariate in a line of a file; column 13 is the outcome."""


def log_odds(age: int, sex: int, cp: int, thalach: int, exang: int) -> float:
    """The logarithm of an invented patient's odds of the disease."""
    return (
        -1.2
        + 0.4 * (age - 55) / 10
        + 1.1 * sex
        + 0.7 * (cp - 3)
        - 0.4 * (thalach - 140) / 25
        + exang
    )


def invented(folder: Path, sizes: dict[str, int], *, seed: int = 5) -> Path:
    """Write files of the same form with invented patients, `sizes` many of each site."""
    rng = random.Random(seed)
    folder.mkdir()
    for site, name in FILES.items():
        lines = []
        for _ in range(sizes[site]):
            age, sex, cp, exang = (
                rng.randint(30, 77),
                rng.randint(0, 1),
                rng.randint(1, 4),
                rng.randint(0, 1),
            )
            thalach = rng.randint(90, 190)
            risk = log_odds(age, sex, cp, thalach, exang)
            num = rng.randint(1, 4) if rng.random() < 1 / (1 + math.exp(-risk)) else 0
            rate = "?" if rng.random() < 0.05 else str(thalach)
            lines.append(
                f"{age},{sex},{cp},{rng.randint(100, 170)},?,0,0,{rate},{exang},1.5,2,?,?,{num}"
            )
        (folder / name).write_text("\n".join(lines) + "\n")
    return folder
