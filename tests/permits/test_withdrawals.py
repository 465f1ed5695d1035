"""Withdrawn consents: for one case or for all cases, and for ever."""

from hypothesis import given
from hypothesis import strategies as st

from heyi.consent.registry import EVERYTHING, Withdrawal, WithdrawalRegistry

SCOPES = st.sampled_from(["c-1", "c-2", EVERYTHING])
WITHDRAWALS = st.lists(
    st.builds(Withdrawal, token=st.sampled_from("abc"), scope=SCOPES, at=st.just(1))
)  # fmt: skip


def test_a_withdrawal_from_one_case_leaves_the_others_alone() -> None:
    registry = WithdrawalRegistry([Withdrawal(token="a", scope="c-1", at=1)])
    assert registry.withdrawn("c-1") == {"a"}
    assert registry.withdrawn("c-2") == frozenset()


def test_a_withdrawal_from_everything_holds_in_every_case() -> None:
    registry = WithdrawalRegistry()
    registry.add(Withdrawal(token="a", scope=EVERYTHING, at=1))
    registry.add(Withdrawal(token="b", scope="c-1", at=2))
    assert registry.withdrawn("c-1") == {"a", "b"}
    assert registry.withdrawn("a case to come") == {"a"}


@given(WITHDRAWALS, st.sampled_from(["c-1", "c-2", "c-3"]))
def test_order_and_repetition_do_not_matter_and_nobody_is_forgotten(
    all_of_them: list[Withdrawal], case: str
) -> None:
    registry = WithdrawalRegistry(all_of_them)
    assert registry.withdrawn(case) == {
        w.token for w in all_of_them if w.scope in (case, EVERYTHING)
    }
    assert WithdrawalRegistry([*reversed(all_of_them), *all_of_them]).withdrawn(
        case
    ) == registry.withdrawn(case)
