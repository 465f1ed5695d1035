"""The fabric without a network: what the centre says reaches the node that it is for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from heyi.fabric.local import LocalFabric
from heyi.federation.wire.operation import Operation
from heyi.model.errors import InvalidInput
from tests.support.county import County

HOSTS = ("clinic-a", "clinic-b")
BY_SEX = Operation(name="frequency", params={"by": [{"kind": "sex"}]})


@pytest.fixture
def county(tmp_path: Path) -> Iterator[County]:
    made = County(tmp_path)
    for host in HOSTS:
        made.serve(host, {"sex": [0.0] * 10 + [1.0] * 20})
        made.open_node(host)
    yield made
    made.close()


@pytest.fixture
def fabric(county: County) -> LocalFabric:
    return LocalFabric(nodes=county.nodes)


def test_a_revocation_reaches_one_node_with_the_centres_time(
    county: County, fabric: LocalFabric
) -> None:
    permit = county.permit(BY_SEX, host="clinic-a")
    fabric.revoke("clinic-a", permit.id, county.now - 60)
    answer = fabric.send("clinic-a", county.call(permit, BY_SEX))
    assert answer.refusal is not None
    assert answer.refusal.code == "revoked"
    assert county.logged("clinic-a")[0].public == {"permit": permit.id, "at": county.now - 60}
    assert county.logged("clinic-b") == []


def test_a_withdrawal_reaches_the_named_nodes_that_are_connected(
    county: County, fabric: LocalFabric
) -> None:
    fabric.withdraw(["clinic-b", "clinic-z"], "5f" * 16, "case-1", county.now - 60)
    assert county.logged("clinic-a") == []
    (event,) = county.logged("clinic-b")
    assert event.public == {"scope": "case-1", "at": county.now - 60}


@pytest.mark.parametrize(
    "say",
    [
        lambda fabric, county: fabric.revoke("clinic-z", "one", county.now),
        lambda fabric, county: fabric.send(
            "clinic-z", county.call(county.permit(BY_SEX, host="clinic-a"), BY_SEX)
        ),
    ],
    ids=["revoke", "send"],
)
def test_a_host_without_a_node_is_told_so(
    county: County, fabric: LocalFabric, say: Callable[[LocalFabric, County], object]
) -> None:
    with pytest.raises(InvalidInput, match="no node of `clinic-z` is connected"):
        say(fabric, county)
