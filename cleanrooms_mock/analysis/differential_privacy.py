"""CUSTOM rules with differential privacy: which data a query must have so that noise can hide every single user."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial

from sqlglot import exp

from cleanrooms_mock.analysis.names import Resolution, bare
from cleanrooms_mock.analysis.private_data import PrivateData, is_private
from cleanrooms_mock.analysis.private_queries import (
    data_stay_at_user_level,
    private_relations_are_joined,
    set_operation_keeps_users,
    subquery_reads_nothing_private,
    users_are_the_same,
    users_stay_in_place,
    users_stay_in_the_query,
    window_is_within_users,
    windows,
)
from cleanrooms_mock.analysis.private_result import (
    final_select_aggregates,
    groups_are_judged_by_aggregates,
    users_are_no_output,
)
from cleanrooms_mock.analysis.private_syntax import (
    LONGEST_TEXT,
    construct_is_supported,
    private_tables_take_no_hints,
    text_is_short,
    unsupported,
)
from cleanrooms_mock.analysis.refusals import Refusal
from cleanrooms_mock.analysis.resolving import resolve
from cleanrooms_mock.analysis.statements import ParsedQuery, parse_query
from cleanrooms_mock.analysis.tables import Question, Table
from cleanrooms_mock.rules import DOCUMENTED, behaviour

_Step = Callable[[], object]

behaviour(
    "CUS-61",
    "Differential privacy is for data in Amazon S3 only: a rule that has it is refused for any other table, and a table with such a rule can't be moved "
    "elsewhere.",
    source="user guide: custom analysis rule with differential privacy, limitations",
    status=DOCUMENTED,
)


def shape(parsed: ParsedQuery, tables: Sequence[Table]) -> None:
    """Refuse a query whose text alone, without its names being resolved, is more than private tables allow.

    :param tables: those that it names.
    :raises Refusal: as MALFORMED_QUERY.
    """
    if any(map(is_private, tables)):
        for step in _of_the_tree(parsed):
            step()


def check(resolution: Resolution, question: Question, *, most_bytes: float = LONGEST_TEXT) -> None:
    """Refuse a query of private tables that hasn't the structure that they need.

    :param most_bytes: how long its text may be, by the quota.
    :raises Refusal: as MALFORMED_QUERY.
    """
    if any(map(is_private, resolution.base_tables())):
        text_is_short(question.text, resolution.parsed.statement, most_bytes)
        for step in _of_the_names(PrivateData(resolution)):
            step()


def reasons(text: str, tables: Mapping[str, Table]) -> list[str]:
    """Return everything that keeps a text from running on private tables, each complaint once; of names that mean nothing only the first.

    :param tables: those that it may name, by their names in lower case.
    :raises Refusal: if it isn't a query at all.
    """
    parsed = parse_query(text)
    steps: list[_Step] = [partial(text_is_short, text, parsed.statement, LONGEST_TEXT), *_of_the_tree(parsed)]
    try:
        steps += _of_the_names(PrivateData(resolve(parsed, tables)))
    except Refusal:
        steps.append(partial(resolve, parsed, tables))
    return list(dict.fromkeys(complaint for complaint in map(_complaint, steps) if complaint is not None))


def _complaint(step: _Step) -> str | None:
    try:
        step()
    except Refusal as refusal:
        return refusal.message
    return None


# What the tree alone shows


def _of_the_tree(parsed: ParsedQuery) -> Iterator[_Step]:
    for tree in parsed.trees:
        for node in tree.walk():
            if isinstance(node, exp.Hint):
                yield partial(private_tables_take_no_hints, node)
            elif (what := unsupported(node)) is not None:
                yield partial(construct_is_supported, what, node)
    yield partial(_final_select_is_one, parsed.statement)


def _final_select_is_one(statement: exp.Expr) -> None:
    final = bare(statement)
    if isinstance(final, exp.SetOperation):
        set_operation_keeps_users(f"{final.key.upper()} is not allowed in the final SELECT", final)


# What the names show


def _of_the_names(data: PrivateData) -> Iterator[_Step]:
    resolution = data.resolution
    selects = [select for select in resolution.selects() if data.relations(select)]
    inner = [
        query for query in resolution.queries if data.is_private(query) and query.role not in ("final", "subquery")
    ]
    yield partial(users_are_the_same, list(resolution.base_tables()))
    for select in resolution.selects():
        for _, subquery in select.subqueries:
            yield partial(subquery_reads_nothing_private, data, subquery)
    for select in selects:
        for window in windows(select):
            yield partial(window_is_within_users, data, select, window)
    for select in selects:
        if select.query.role != "subquery":
            yield partial(data_stay_at_user_level, data, select)
    for query in inner:
        yield partial(users_stay_in_the_query, data, query)
        yield partial(users_stay_in_place, data, query)
    for select in selects:
        yield partial(private_relations_are_joined, data, select)
    if isinstance(resolution.final.node, exp.Select):
        (final,) = resolution.final.selects
        yield partial(final_select_aggregates, final)
        yield partial(groups_are_judged_by_aggregates, final)
        yield partial(users_are_no_output, data, final)
