"""An example of your own utility: visits a month that a model of a coalition's data saves.

Five clinics take part. What they know together grows with the square root of their visits; the two
clinics of one valley know partly the same. Replace it by what your consortium measures, for example
by training a model.
"""

VISITS = {"clinic-a": 900, "clinic-b": 400, "clinic-c": 400, "hospital": 6_400, "laboratory": 2_500}
VALLEY = {"clinic-b", "clinic-c"}


def utility(members: tuple[str, ...]) -> float:
    known = sum(VISITS[m] for m in members)
    if set(members) >= VALLEY:
        known -= 300
    return known**0.5
