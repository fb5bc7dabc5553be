"""Whether a query may run: all rules for its text and its tables, in the order in which the service looks at them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cleanrooms_mock.analysis import aggregation, custom, differential_privacy, id_mapping, list_rule
from cleanrooms_mock.analysis.access import rule_type_of, tables_are_within_the_quota, tables_can_be_queried
from cleanrooms_mock.analysis.constructs import check_text
from cleanrooms_mock.analysis.functions import check_calls
from cleanrooms_mock.analysis.grouping import check_grouping
from cleanrooms_mock.analysis.names import Resolution
from cleanrooms_mock.analysis.naming import query_reads_a_table, refuse_qualified_name, refuse_unknown_table
from cleanrooms_mock.analysis.parameters import bind
from cleanrooms_mock.analysis.private_data import is_private
from cleanrooms_mock.analysis.private_syntax import LONGEST_TEXT
from cleanrooms_mock.analysis.resolving import resolve
from cleanrooms_mock.analysis.statements import ParsedQuery, parse_query
from cleanrooms_mock.analysis.tables import Question, Table
from cleanrooms_mock.rules import INFERRED, behaviour

#: How many configured tables a query may use, unless the account's quota was raised.
TABLES_PER_QUERY = 15

_RULES = {"AGGREGATION": aggregation, "LIST": list_rule, "CUSTOM": custom}

behaviour(
    "PQ-08",
    "A query is looked at in this order, and the first that is wrong is what its `error.message` says: its tables exist; they have rules of one type; they "
    "are ready; they allow the analysis, its provider and its receivers; the shape of its text, its columns, joins and functions; differential privacy and "
    "thresholds; budgets; access to the data.",
    source="inferred: what is cheap comes first",
    status=INFERRED,
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Checked:
    """A query that may run.

    :ivar parsed: its text, with the values of its parameters in their places.
    :ivar resolution: what its names mean.
    :ivar tables: those that it reads, each once, in the order of the text.
    :ivar rule_type: AGGREGATION, LIST or CUSTOM.
    """

    question: Question
    parsed: ParsedQuery
    resolution: Resolution
    tables: tuple[Table, ...]
    rule_type: str

    @property
    def is_private(self) -> bool:
        """Whether a table of it has differential privacy."""
        return any(map(is_private, self.tables))


def check(
    question: Question,
    tables: Mapping[str, Table],
    *,
    most_tables: float = TABLES_PER_QUERY,
    most_private_bytes: float = LONGEST_TEXT,
) -> Checked:
    """Find out whether a query may run.

    :param tables: all tables of the collaboration, by their names in lower case.
    :param most_tables: the quota of configured tables in one query.
    :param most_private_bytes: the quota of a text's length with differential privacy.
    :raises Refusal: if it may not, with the first reason.
    """
    parsed = bind(parse_query(question.text, tables), question.parameters)
    calls = check_text(parsed, _likely_rule_type(parsed, tables))
    used = tables_of(parsed, tables)
    rule_type = rule_type_of(used)
    tables_can_be_queried(used, question)
    tables_are_within_the_quota(used, most_tables)
    rules = _RULES[rule_type]
    rules.shape(parsed, used)
    differential_privacy.shape(parsed, used)
    resolution = resolve(parsed, tables)
    rules.check(resolution, question)
    id_mapping.check(resolution)
    check_calls(calls)
    check_grouping(resolution)
    differential_privacy.check(resolution, question, most_bytes=most_private_bytes)
    return Checked(question=question, parsed=parsed, resolution=resolution, tables=used, rule_type=rule_type)


def _likely_rule_type(parsed: ParsedQuery, tables: Mapping[str, Table]) -> str:
    """Return the type of the rules by which a text is read, before it is known whether its tables exist and go together."""
    found = (tables.get(name.lower()) for name in parsed.tables)
    return next((str(table.rule_type) for table in found if table is not None and table.kind == "TABLE"), "CUSTOM")


def tables_of(parsed: ParsedQuery, tables: Mapping[str, Table]) -> tuple[Table, ...]:
    """Return the tables that a query names, each once.

    :raises Refusal: for one that doesn't exist, and for a query that names none.
    """
    if parsed.misnamed is not None:
        refuse_qualified_name(parsed.misnamed, None)
    for name in parsed.tables:
        if name.lower() not in tables:
            refuse_unknown_table(name, None)
    used = tuple(tables[name.lower()] for name in parsed.tables)
    query_reads_a_table(used, parsed.statement)
    return used
