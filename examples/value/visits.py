"""A utility of one's own: how many visits a month a model of a coalition's data saves, by a consortium's own trial.

Five clinics; what they know together grows with the square root of their visits, and clinics of one valley know partly
the same. Replace it by whatever your consortium measures, for example by training a model.
"""

VISITS = {"clinic-a": 900, "clinic-b": 400, "clinic-c": 400, "hospital": 6_400, "laboratory": 2_500}
VALLEY = {"clinic-b", "clinic-c"}


def utility(members: tuple[str, ...]) -> float:
    known = sum(VISITS[m] for m in members)
    if set(members) >= VALLEY:
        known -= 300
    return known**0.5
