"""Carrying a query out that may run: with what its tables' rules drop or blur."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from random import Random
from typing import TYPE_CHECKING, Any, NamedTuple

from cleanrooms_mock.analysis import output_constraints, suppression
from cleanrooms_mock.analysis.check import Checked
from cleanrooms_mock.analysis.encrypted import sums_are_of_clear_values
from cleanrooms_mock.analysis.engines import Sandbox, Work
from cleanrooms_mock.analysis.private_rewriting import private
from cleanrooms_mock.analysis.result_names import result_names
from cleanrooms_mock.analysis.sources import Source, table_source

if TYPE_CHECKING:
    import pyarrow as pa


class Result(NamedTuple):
    """What a query comes to.

    :ivar table: its rows.
    :ivar sensitivity: of a query with differential privacy, its ``sensitivityParameters``.
    """

    table: pa.Table
    sensitivity: list[dict[str, Any]] | None = None


def run(
    checked: Checked,
    sources: Mapping[str, Source],
    sandbox: Sandbox,
    noise: Random,
    *,
    users_noise_per_query: int = 0,
    time_zone: str = "UTC",
) -> Result:
    """Carry a query out.

    :param sources: the data of its tables, by their names in lower case.
    :param sandbox: where it is carried out, with the files of its tables in it.
    :param noise: where differential privacy takes its noise from.
    :param users_noise_per_query: how many users the noise hides, as the privacy budget's template says.
    :raises Refusal: if it fails.
    """
    work = Work(
        statement=checked.parsed.statement,
        cached=list(checked.parsed.cached.items()),
        sources=sources,
        time_zone=time_zone,
    )
    names = result_names(checked.resolution, checked.rule_type)
    sums_are_of_clear_values(
        checked.resolution, lambda query: sandbox.run(replace(work, statement=query, cached=())).num_rows > 0
    )
    if checked.is_private:
        return _private(checked, work, sandbox, noise, users_noise_per_query, names)
    if checked.rule_type == "AGGREGATION":
        work = replace(work, statement=output_constraints.constrained(checked.resolution))
    elif checked.rule_type == "CUSTOM":
        parsed = suppression.constrained(checked.resolution)
        work = replace(work, statement=parsed.statement, cached=list(parsed.cached.items()))
    return Result(_named(sandbox.run(work), names))


def _private(
    checked: Checked, work: Work, sandbox: Sandbox, noise: Random, users_noise_per_query: int, names: Sequence[str]
) -> Result:
    plan = private(checked.resolution, users_noise_per_query)
    groups = sandbox.run(replace(work, statement=plan.inner))
    blurred = table_source(plan.noised(groups, noise), sandbox.folder, plan.name)
    cached = work.cached if plan.reads_more else ()
    table = sandbox.run(
        replace(work, statement=plan.outer, cached=cached, sources={**work.sources, plan.name: blurred})
    )
    return Result(_named(table, names), plan.sensitivity(groups))


def _named(table: pa.Table, names: Sequence[str]) -> pa.Table:
    return table.rename_columns(list(names))
