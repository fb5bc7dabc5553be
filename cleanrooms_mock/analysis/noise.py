"""The noise of differential privacy: how much of it an aggregate gets, and how much of the budget that takes.

One aggregate takes 10 / (usersNoisePerQuery x weight) of epsilon, and its noise is that of a Laplace mechanism with just this epsilon: the more users'
contributions the noise hides, the less it takes. So what PreviewPrivacyImpact promises, what a query takes and how noisy it is are one formula.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import isfinite, sqrt
from random import Random
from typing import Literal, NoReturn

from cleanrooms_mock.analysis.refusals import Refusal
from cleanrooms_mock.rules import INFERRED, SEEN, behaviour, rule

Aggregation = Literal["AVG", "COUNT", "COUNT_DISTINCT", "SUM", "STDDEV"]

#: How many aggregations of a kind the same budget allows, in tenths of epsilon x usersNoisePerQuery, in the order of answers.
WEIGHTS: dict[Aggregation, int] = {"AVG": 2, "COUNT": 4, "COUNT_DISTINCT": 5, "SUM": 3, "STDDEV": 1}

behaviour(
    "CUS-74",
    "A query that is repeated takes from the budget again, and gets other noise. One that fails before it runs takes nothing; one that fails or is "
    "cancelled while it runs has taken.",
    source="public lab aws-clean-rooms-lab, for repetition; the rest is inferred",
    status=SEEN,
)
behaviour(
    "CUS-75",
    "Each aggregate of the last SELECT gets noise of its own in each group, drawn from a generator whose seed can be set; the same seed gives the same "
    "result. The noise is Laplace's, scaled by what one user can change (the contribution limit, times the values' bounds for SUM) and by "
    "usersNoisePerQuery. AVG and STDDEV are made of a noisy sum, sum of squares and count, and stay within the values' bounds. A COUNT is rounded, and "
    "never below 0; a SUM of integers stays one. An aggregate of no values stays NULL, and no group is left out or made up.",
    source="inferred: tests need what can be repeated",
    status=INFERRED,
)


def epsilon_of(aggregation: Aggregation, users_noise_per_query: int) -> Fraction:
    """Return how much of epsilon one aggregation takes."""
    return Fraction(10, users_noise_per_query * WEIGHTS[aggregation])


@rule(
    "CUS-73",
    source="public lab aws-clean-rooms-lab, for the message and the order of costs; the code is inferred",
    status=SEEN,
    answer="FAILED RESOURCE_ACCESS_DENIED",
)
def refuse_exhausted_budget(owner_name: str) -> NoReturn:
    """A query takes from the budget for each aggregate of its last SELECT: least for COUNT DISTINCT, more for COUNT, SUM, AVG and STDDEV, and the more the
    less noise there is. If too little is left it doesn't run, and takes nothing.
    """
    raise Refusal(
        "RESOURCE_ACCESS_DENIED",
        f"You do not have enough aggregations remaining to run this query on the data from {owner_name}. You can wait for the utility to refresh or "
        "contact the data owner to provide you more utility.",
    )


@dataclass(frozen=True, slots=True)
class Contribution:
    """What one user can change.

    :ivar limit: the rows, or distinct values, that a user has at most.
    :ivar low: the least value of the aggregate's argument, ``None`` if it has no numbers.
    :ivar high: the greatest.
    """

    limit: int
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Raw:
    """An aggregate of one group as it is.

    :ivar value: the aggregate itself.
    :ivar count: of AVG and STDDEV, how many values there are.
    :ivar total: their sum.
    :ivar squares: of STDDEV, the sum of their squares.
    :ivar is_sample: whether it is the deviation of a sample.
    """

    value: float
    count: int = 0
    total: float = 0.0
    squares: float = 0.0
    is_sample: bool = True


def laplace(random: Random, scale: float) -> float:
    """Return a number of Laplace's distribution around 0, whose standard deviation is √2 times ``scale``."""
    return scale * (random.expovariate(1) - random.expovariate(1)) if isfinite(scale) else 0.0


def noisy(aggregation: Aggregation, raw: Raw, contribution: Contribution, users: int, random: Random) -> float:
    """Return an aggregate with noise.

    :param users: usersNoisePerQuery.
    """
    epsilon = float(epsilon_of(aggregation, users))
    limit = contribution.limit
    low, high = contribution.low or 0.0, contribution.high or 0.0
    if aggregation in ("COUNT", "COUNT_DISTINCT"):
        return max(0, round(raw.value + laplace(random, limit / epsilon)))
    if aggregation == "SUM":
        return raw.value + laplace(random, limit * max(abs(low), abs(high)) / epsilon)
    # Values are taken from the middle of their bounds, where one user changes least; each part has its share of epsilon.
    middle, half = (low + high) / 2, (high - low) / 2
    share = epsilon / (2 if aggregation == "AVG" else 3)
    total = raw.total - middle * raw.count + laplace(random, limit * half / share)
    count = max(1.0, raw.count + laplace(random, limit / share))
    if aggregation == "AVG":
        return min(max(middle + total / count, low), high)
    squares = raw.squares - 2 * middle * raw.total + middle * middle * raw.count
    squares += laplace(random, limit * half * half / share)
    variance = squares / count - (total / count) ** 2
    if raw.is_sample:
        variance *= count / max(1.0, count - 1)
    return min(sqrt(max(0.0, variance)), 2 * half)
