"""Columns that members have encrypted with the client for that, C3R, before they stored them: to a query they are strings."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from sqlglot import exp

from cleanrooms_mock.analysis.grouping import aggregates_in
from cleanrooms_mock.analysis.names import Base, Resolution
from cleanrooms_mock.analysis.refusals import Refusal
from cleanrooms_mock.rules import DOCUMENTED, rule

#: How the client marks a sealed value: the version of its format, in two digits, and what it is.
_SEALED = "__:enc:%"


@rule(
    "ENG-19",
    source="user guide: query data, troubleshooting; the source of the C3R client, for how it marks values; the code is inferred",
    status=DOCUMENTED,
    answer="FAILED INVALID_RESOURCE",
)
def sums_are_of_clear_values(resolution: Resolution, has_rows: Callable[[exp.Select], bool]) -> None:
    """Values that a member has encrypted with C3R aren't decrypted. SUM of a sealed column fails; whatever else they aren't made for gives useless values
    and no error.

    :param has_rows: whether a query gives any row.
    """
    for base, aggregate in _sums_of_strings(resolution):
        column = exp.column(base.column, quoted=True)
        table = exp.Table(this=exp.to_identifier(base.table.name, quoted=True))
        sealed = exp.select("1").from_(table).where(column.like(exp.Literal.string(_SEALED))).limit(1)
        if has_rows(sealed):
            raise Refusal(
                "INVALID_RESOURCE",
                f"Column(s) [{base.column}] of table {base.table.name} is sealed, and can't be summed",
                table=base.table.name,
                column=base.column,
                at=aggregate,
            )


def _sums_of_strings(resolution: Resolution) -> Iterator[tuple[Base, exp.Sum]]:
    for select in resolution.selects():
        for item in [*select.node.expressions, select.node.args.get("having"), select.node.args.get("order")]:
            for aggregate in () if item is None else aggregates_in(item):
                if isinstance(aggregate, exp.Sum):
                    for column in aggregate.find_all(exp.Column):
                        base = resolution.reference(column).base
                        if base is not None and base.table.columns[base.column].lower().startswith(
                            ("string", "varchar")
                        ):
                            yield base, aggregate
