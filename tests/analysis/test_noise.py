"""The noise of differential privacy, by how it is distributed, and what it costs."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from math import inf
from random import Random
from statistics import fmean, median, pstdev

import pytest

from cleanrooms_mock.analysis.noise import (
    WEIGHTS,
    Aggregation,
    Contribution,
    Raw,
    epsilon_of,
    laplace,
    noisy,
    refuse_exhausted_budget,
)
from cleanrooms_mock.analysis.refusals import Refusal
from cleanrooms_mock.cleanrooms.budgets import max_count
from tests.analysis.cast import rule_of

DRAWS = 4000
#: Twenty values from 0 to 19, each 50 times.
VALUES = [value for value in range(20) for _ in range(50)]
SUM, SQUARES = sum(VALUES), sum(value * value for value in VALUES)
BOUNDS = Contribution(2, 0.0, 19.0)


def drawn(kind: Aggregation, raw: Raw, contribution: Contribution, users: int = 10, seed: int = 1) -> list[float]:
    random = Random(seed)
    return [noisy(kind, raw, contribution, users, random) for _ in range(DRAWS)]


def raw(value: float) -> Raw:
    return Raw(value, len(VALUES), SUM, SQUARES)


def test_laplace() -> None:
    """Half of what is drawn lies within scale x ln 2, it is around 0, and its standard deviation is √2 x scale."""
    random = Random(7)
    values = [laplace(random, 3.0) for _ in range(20_000)]
    assert fmean(values) == pytest.approx(0, abs=0.1)
    assert pstdev(values) == pytest.approx(3 * 2**0.5, rel=0.03)
    assert median(map(abs, values)) == pytest.approx(3 * 0.693, rel=0.03)
    assert laplace(random, 0) == 0
    assert laplace(random, inf) == 0


@pytest.mark.parametrize(
    ("kind", "value", "scale"),
    [
        ("COUNT", 1000, lambda users: 2 * users * 4 / 10),
        ("COUNT_DISTINCT", 1000, lambda users: 2 * users * 5 / 10),
        ("SUM", SUM, lambda users: 2 * 19 * users * 3 / 10),
    ],
)
@pytest.mark.parametrize("users", [10, 40])
@pytest.mark.rule("CUS-75")
def test_scale(kind: Aggregation, value: int, scale: Callable[[int], float], users: int) -> None:
    """The noise of a count or sum is as large as what one user can change, divided by the epsilon that it takes."""
    values = drawn(kind, raw(value), BOUNDS, users)
    assert fmean(values) == pytest.approx(value, abs=scale(users) * 0.1)
    assert pstdev(values) == pytest.approx(scale(users) * 2**0.5, rel=0.1)


@pytest.mark.rule("CUS-75")
def test_counts() -> None:
    """A count is a whole number and never below 0, even where nobody is."""
    values = drawn("COUNT", Raw(0), Contribution(1))
    assert all(isinstance(value, int) and value >= 0 for value in values)
    assert 0.4 < sum(value == 0 for value in values) / DRAWS < 0.7


@pytest.mark.parametrize("kind", ["AVG", "STDDEV"])
@pytest.mark.rule("CUS-75")
def test_averages(kind: Aggregation) -> None:
    """AVG and STDDEV are near what they are, nearer with less noise, and within the bounds of the values however much there is."""
    exact = fmean(VALUES) if kind == "AVG" else pstdev(VALUES)
    off = []
    for users in (1, 10, 100):
        values = drawn(kind, raw(exact), BOUNDS, users)
        off.append(fmean(abs(value - exact) for value in values))
        assert median(values) == pytest.approx(exact, abs=2 * off[-1])
        assert all(0 <= value <= 19 for value in values)
    assert 0 < off[0] < off[1] < off[2]
    assert off[0] < 0.5
    # Values that are all the same have nothing to hide.
    assert set(drawn(kind, Raw(7.0, 9, 63.0, 441.0), Contribution(1, 7.0, 7.0))) == ({7.0} if kind == "AVG" else {0.0})


@pytest.mark.rule("CUS-75")
def test_deviations() -> None:
    """That of a sample is the larger one."""
    contribution = Contribution(0, 0.0, 4.0)
    few = {"count": 5, "total": 10.0, "squares": 30.0}
    sample = noisy("STDDEV", Raw(1.58, **few), contribution, 10, Random(1))  # type: ignore[arg-type]  # mypy joins the values' types
    all_of_them = noisy("STDDEV", Raw(1.41, **few, is_sample=False), contribution, 10, Random(1))  # type: ignore[arg-type]
    assert sample == pytest.approx(2.5**0.5)
    assert all_of_them == pytest.approx(2**0.5)


@pytest.mark.rule("CUS-75", "CUS-74")
def test_seeds() -> None:
    """One seed gives one sequence; the next draw of it is another."""
    first, again, other = (drawn("SUM", raw(SUM), BOUNDS, seed=seed) for seed in (5, 5, 6))
    assert first == again
    assert first != other
    assert len(set(first)) == DRAWS


@pytest.mark.rule("CUS-73")
def test_costs() -> None:
    """COUNT DISTINCT takes least and more complex aggregates more; less noise takes more; and it is what the budget allows in all."""
    costs = {kind: epsilon_of(kind, 20) for kind in WEIGHTS}
    assert costs["COUNT_DISTINCT"] < costs["COUNT"] < costs["SUM"] < costs["AVG"] < costs["STDDEV"]
    assert all(epsilon_of(kind, 10) == 2 * cost for kind, cost in costs.items())
    for kind, cost in costs.items():
        for epsilon in (1, 3, 10):
            assert max_count(kind, epsilon, 20) == Fraction(epsilon) // cost


@pytest.mark.rule("CUS-73", "PQ-09")
def test_exhausted() -> None:
    """The message is the service's, with the owner's name."""
    with pytest.raises(Refusal) as caught:
        refuse_exhausted_budget("Publisher")
    assert (rule_of(caught.value), caught.value.code) == ("CUS-73", "RESOURCE_ACCESS_DENIED")
    assert caught.value.message == (
        "You do not have enough aggregations remaining to run this query on the data from Publisher. You can wait for the utility to refresh or contact "
        "the data owner to provide you more utility."
    )
