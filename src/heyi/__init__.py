"""Heyi 合医: institutions share the use of health data, not the data.

Heyi as a library. Decide whether the law permits a request, from facts that you state:

>>> import datetime as dt
>>> from heyi.app.rulebooks import shipped_point
>>> from heyi.policy.language.profiles import expand_profiles
>>> from heyi.policy.language.schema import attested
>>> point = shipped_point()
>>> facts = expand_profiles(["referral"], point.book.texts) | {"consent.separate": False}
>>> stated = attested(facts, point.book.schema)
>>> decision = point.decide_stated(stated, day=dt.date(2026, 12, 1), hypothetical=True)
>>> decision.outcome.value, decision.curable
('deny', True)
>>> sorted({missing.fact for missing in decision.missing})
['consent.separate']

Verify, as an outsider, a folder that `heyi demo` or `heyi run` made:

>>> from heyi.app.verification import verify_directory
>>> verification = verify_directory(folder)
>>> verification.holds, verification.faults
(True, [])

A decision point holds an engine that serves one thread. What is refused is a value, such as the
decision above; broken input, evidence or infrastructure raises `heyi.model.errors.HeyiError`, whose
`hint` is the next step.
"""

__version__ = "0.1.0"
