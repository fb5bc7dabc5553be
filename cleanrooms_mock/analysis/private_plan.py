"""A query of private tables taken apart into what runs: its groups with their aggregates as they are, noise on these, and the rest of the query over that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Context, Decimal
from math import isfinite
from random import Random
from typing import Any

from sqlglot import exp

from cleanrooms_mock.analysis.noise import Aggregation, Contribution, Raw, noisy
from cleanrooms_mock.rules import DOCUMENTED, behaviour

#: Enough digits for every decimal that Arrow has.
_EXACT = Context(prec=160)

behaviour(
    "PQ-63",
    "`differentialPrivacy.sensitivityParameters` of a successful query of private tables has an entry for each aggregate of its last SELECT, written once "
    "however often it stands there: its type, its text, userContributionLimit, and for SUM, AVG and STDDEV the least and the greatest value. The limit is "
    "what the user with most rows has (of COUNT DISTINCT of the identifier: with most groups), and the bounds are those of the data, so that no row is "
    "left out and no value cut; the service fixes them in a way that isn't published.",
    source="API reference DifferentialPrivacySensitivityParameters; which have bounds, and where limits come from, is inferred",
    status=DOCUMENTED,
)


@dataclass(frozen=True, slots=True)
class Measure:
    """An aggregate of the last SELECT.

    :ivar node: the aggregate itself.
    :ivar name: the column of the inner statement that has it; those beside it are called after it.
    :ivar counts_users: whether it counts users themselves, of whom each is one in a group however many rows it has.
    """

    node: exp.Expr
    name: str
    kind: Aggregation
    counts_users: bool

    @property
    def limit(self) -> str:
        return "most_groups" if self.counts_users else "most_rows"

    @property
    def has_bounds(self) -> bool:
        return self.kind in ("SUM", "AVG", "STDDEV")


@dataclass(frozen=True)
class Plan:
    """What to run.

    :ivar inner: the statement that gives the groups with their aggregates as they are.
    :ivar outer: the statement that makes the result of a table of noisy groups.
    :ivar name: what ``outer`` calls that table.
    :ivar measures: the aggregates.
    :ivar keys: the columns of the groups.
    :ivar users_noise_per_query: how many users' contributions are hidden.
    """

    inner: exp.Expr
    outer: exp.Expr
    name: str
    measures: Sequence[Measure]
    keys: Sequence[str]
    users_noise_per_query: int

    @property
    def reads_more(self) -> bool:
        """Whether ``outer`` has subqueries that read other tables than that of the groups."""
        return any(table.name != self.name for table in self.outer.find_all(exp.Table))

    def noised(self, groups: Any, random: Random) -> Any:
        """Return what ``outer`` reads: the groups with noisy aggregates.

        :param groups: what ``inner`` gave, a :class:`pyarrow.Table`.
        :param random: where the noise is from. An engine gives groups in no certain order, so they are put into one before anything is drawn.
        """
        import pyarrow as pa

        columns = {name: groups.column(name).to_pylist() for name in groups.column_names}
        order = sorted(range(groups.num_rows), key=lambda row: [repr(columns[key][row]) for key in self.keys])
        rows = pa.array(order, pa.int64())
        made = {name: groups.column(name).take(rows) for name in self.keys}
        contributions = self._contributions(columns)
        noisy_values: dict[str, list[Any]] = {measure.name: [] for measure in self.measures}
        for row in order:
            for measure in self.measures:
                value = self._noisy(measure, columns, row, contributions[measure.name], random)
                noisy_values[measure.name].append(value_of_type(value, groups.schema.field(measure.name).type))
        for name, values in noisy_values.items():
            made[name] = pa.array(values, groups.schema.field(name).type)
        return pa.table(made)

    def _noisy(
        self,
        measure: Measure,
        columns: Mapping[str, Sequence[Any]],
        row: int,
        contribution: Contribution,
        random: Random,
    ) -> float | None:
        value = columns[measure.name][row]
        if value is None:
            return None
        raw = Raw(float(value))
        if measure.kind in ("AVG", "STDDEV"):
            squares = columns[f"{measure.name}_squares"][row] if measure.kind == "STDDEV" else 0.0
            raw = Raw(
                float(value),
                columns[f"{measure.name}_count"][row],
                columns[f"{measure.name}_total"][row] or 0.0,
                squares or 0.0,
                is_sample=not isinstance(measure.node, exp.StddevPop),
            )
        return noisy(measure.kind, raw, contribution, self.users_noise_per_query, random)

    def _contributions(self, columns: Mapping[str, Sequence[Any]]) -> dict[str, Contribution]:
        found = {}
        for measure in self.measures:
            # Even where there is nobody, somebody might have been.
            limit = max([1, *filter(None, columns[measure.limit])])
            low = high = None
            if measure.has_bounds:
                bounds = [columns[f"{measure.name}_{bound}"] for bound in ("low", "high")]
                values = [value for bound in bounds for value in bound if value is not None and isfinite(value)]
                low, high = min(values, default=None), max(values, default=None)
            found[measure.name] = Contribution(limit, low, high)
        return found

    def sensitivity(self, groups: Any) -> list[dict[str, Any]]:
        """Return the ``sensitivityParameters`` of the query.

        :param groups: as of :meth:`noised`.
        """
        contributions = self._contributions({name: groups.column(name).to_pylist() for name in groups.column_names})
        parameters = []
        for measure in self.measures:
            contribution = contributions[measure.name]
            entry: dict[str, Any] = {
                "aggregation_type": measure.kind,
                "aggregation_expression": measure.node.sql(dialect="spark"),
                "user_contribution_limit": contribution.limit,
            }
            if contribution.low is not None:
                entry |= {"min_column_value": contribution.low, "max_column_value": contribution.high}
            parameters.append(entry)
        return parameters


def value_of_type(value: float | None, type_: Any) -> Any:
    """Return a noisy number as a value of an Arrow type."""
    import pyarrow as pa

    if value is None:
        return None
    if pa.types.is_decimal(type_):
        step = Decimal(1).scaleb(-type_.scale)
        most = Decimal(10) ** (type_.precision - type_.scale) - step
        return min(max(_EXACT.quantize(Decimal(value), step), -most), most)
    if pa.types.is_integer(type_):
        most_bits = 2 ** (type_.bit_width - 1) - 1
        return min(max(round(value), -most_bits), most_bits)
    return value
