"""The LIST analysis rule: distinct rows of list columns, of what the runner's tables and the others have in common."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NoReturn

from sqlglot import exp

from cleanrooms_mock.analysis import overlap_joins
from cleanrooms_mock.analysis.called_functions import function_name, is_constant, is_function, without_brackets
from cleanrooms_mock.analysis.column_roles import RolesByTable, Used, not_allowed, not_in_rule, used
from cleanrooms_mock.analysis.names import Clause, Resolution, Select, is_query
from cleanrooms_mock.analysis.overlap_joins import Condition
from cleanrooms_mock.analysis.predicates import operator_name, outside_grammar
from cleanrooms_mock.analysis.refusals import Refusal
from cleanrooms_mock.analysis.statements import ParsedQuery
from cleanrooms_mock.analysis.tables import Question, Table
from cleanrooms_mock.rules import DOCUMENTED, INFERRED, SEEN, behaviour, rule

_GUIDE = "user guide: list analysis rule"
_ANSWER = "FAILED MALFORMED_QUERY"
_CLAUSES = frozenset(("hint", "distinct", "expressions", "from_", "joins", "laterals", "where", "limit", "offset"))

behaviour(
    "LST-17",
    "A list has no output constraint: every distinct row that matches is returned, be it one.",
    source=_GUIDE,
    status=DOCUMENTED,
)


def shape(parsed: ParsedQuery, tables: Sequence[Table]) -> None:
    """Refuse a query that can't keep to the LIST rule whatever its names mean.

    :param tables: those that it reads.
    """
    select = parsed.statement
    query_is_one_select(select, tables)
    assert isinstance(select, exp.Select)
    query_has_no_windows_or_values(select, tables)
    query_has_no_other_clause(select, tables)
    query_is_cut_by_limit_alone(select, tables)
    joins_are_inner(select, tables)
    join_conditions_compare_join_columns(select, tables)
    functions_are_absent(select, tables)
    rows_are_distinct(select, tables)
    outputs_are_columns(select, tables)
    where_has_known_operators(select, tables)


def check(resolution: Resolution, question: Question) -> None:
    """Refuse a query that breaks the LIST rule of a table, once :func:`shape` has let it pass.

    :raises Refusal: for the first breach, in the order of columns and joins.
    """
    (select,) = resolution.final.selects
    roles = RolesByTable()
    clauses: tuple[Clause, ...] = ("select", "where")
    for clause in clauses:
        columns = [used(column, resolution.reference(column)) for where, column in select.columns if where == clause]
        wrong = [column for column in columns if column.table is None or column.name not in roles[column.table].free]
        if wrong and wrong[0].table is not None and wrong[0].name in roles[wrong[0].table].join:
            refuse_join_columns(wrong, clause)
        if wrong:
            refuse_columns_without_role(wrong, clause)
    joins = overlap_joins.join_conditions(resolution, select)
    tables = [relation.table for relation in select.relations if relation.table is not None]
    partners_differ(joins, select)
    join_conditions_compare_join_columns(select.node, tables, joins)
    operators_are_allowed(joins, roles)
    runner_is_joined(select, tables, question.runner)
    own_table_is_joined(select, tables, question.runner)


def _refusal(what: str, tables: Sequence[Table], at: exp.Expr) -> Refusal:
    return not_in_rule(what, "LIST", tables, at)


@rule("LST-06", source=_GUIDE, status=DOCUMENTED, answer=_ANSWER)
def query_is_one_select(statement: exp.Expr, tables: Sequence[Table]) -> None:
    """The query is one SELECT: no WITH, no subquery, no UNION, INTERSECT or EXCEPT."""
    if not isinstance(statement, exp.Select):
        query = statement.unnest()
        raise _refusal(
            query.key.upper() if isinstance(query, exp.SetOperation) else "A query other than one SELECT", tables, query
        )
    for node in statement.walk():
        if isinstance(node, exp.With):
            raise _refusal("WITH", tables, node)
        if is_query(node) and node is not statement:
            raise _refusal("A subquery", tables, node)


@rule("LST-09", source="inferred: not in the guide's grammar", status=INFERRED, answer=_ANSWER)
def query_has_no_windows_or_values(select: exp.Select, tables: Sequence[Table]) -> None:
    """No window functions, no FILTER, no VALUES."""
    for node in select.walk():
        if isinstance(node, exp.Window | exp.Filter | exp.Values):
            what = "A window function" if isinstance(node, exp.Window) else node.key.upper()
            raise _refusal(what, tables, node)


@rule("LST-07", source=_GUIDE, status=DOCUMENTED, answer=_ANSWER)
def query_has_no_other_clause(select: exp.Select, tables: Sequence[Table]) -> None:
    """No GROUP BY, HAVING or ORDER BY, and no clause but FROM, WHERE and LIMIT."""
    for name, value in select.args.items():
        if value and name not in _CLAUSES:
            node = value[0] if isinstance(value, list) else value
            clause = {"group": "GROUP BY", "order": "ORDER BY"}.get(name) or name.rstrip("_").upper()
            raise _refusal(clause, tables, node if isinstance(node, exp.Expr) else select)


@rule("LST-08", source=f"{_GUIDE}; inferred for TOP", status=DOCUMENTED, answer=_ANSWER)
def query_is_cut_by_limit_alone(select: exp.Select, tables: Sequence[Table]) -> None:
    """LIMIT takes a positive integer. OFFSET, TOP and FETCH are refused."""
    limit, offset = select.args.get("limit"), select.args.get("offset")
    if offset is not None:
        raise _refusal("OFFSET", tables, offset)
    if limit is None:
        return
    if "top" in limit.meta or not isinstance(limit, exp.Limit):
        raise _refusal("TOP" if "top" in limit.meta else limit.key.upper(), tables, limit)
    number = limit.expression
    if not isinstance(number, exp.Literal) or number.is_string or not number.name.isdigit() or int(number.name) == 0:
        raise _refusal("LIMIT with anything but a positive integer", tables, limit)


@rule("LST-12", source=_GUIDE, status=DOCUMENTED, answer=_ANSWER)
def joins_are_inner(select: exp.Select, tables: Sequence[Table]) -> None:
    """FROM takes names of tables, each with or without an alias, and joins them by ``[INNER] JOIN … ON`` only."""
    overlap_joins.joins_are_inner(select, "LIST", tables)


@rule("LST-13", source=_GUIDE, status=DOCUMENTED, answer=_ANSWER)
def join_conditions_compare_join_columns(
    select: exp.Select, tables: Sequence[Table], joins: Sequence[Condition] | None = None
) -> None:
    """Each condition of an ON is ``=`` between two bare join columns: one of the table that its JOIN adds, and one of a table before it."""
    # What the text shows is asked before its names are resolved, since one that isn't in sight yet would have no meaning then.
    if joins is None:
        overlap_joins.conditions_are_equalities(select, "LIST", tables)
        overlap_joins.sides_are_two(select, tables)
    else:
        overlap_joins.columns_can_be_joined(joins, RolesByTable())


@rule("LST-03", source=_GUIDE, status=DOCUMENTED, answer=_ANSWER)
def functions_are_absent(select: exp.Select, tables: Sequence[Table]) -> None:
    """No functions, neither aggregate nor scalar. There are arithmetic operators, in WHERE; ``+`` puts two strings together."""
    where = select.args.get("where")
    for item in select.expressions:
        value = without_brackets(item.unalias())
        if is_function(value) and not isinstance(value, exp.Case | exp.Cast):
            raise _refusal(f"Function {function_name(value)}", tables, value)
    for node in outside_grammar(where.this) if where is not None else ():
        if is_function(node):
            raise _refusal(f"Function {function_name(node)}", tables, node)


@rule("LST-01", source=_GUIDE, status=DOCUMENTED, answer=_ANSWER)
def rows_are_distinct(select: exp.Select, tables: Sequence[Table]) -> None:
    """SELECT has DISTINCT."""
    distinct = select.args.get("distinct")
    if distinct is None or distinct.args.get("on") is not None:
        raise _refusal("SELECT without DISTINCT", tables, select)


@rule("LST-02", source=f"{_GUIDE}; inferred for literals", status=DOCUMENTED, answer=_ANSWER)
def outputs_are_columns(select: exp.Select, tables: Sequence[Table]) -> None:
    """What is selected are columns, each with or without an alias: no literal, no ``*``, and nothing computed, be it by arithmetic, CASE or CAST."""
    for item in select.expressions:
        value = without_brackets(item.unalias())
        if isinstance(value, exp.Star) or (isinstance(value, exp.Column) and isinstance(value.this, exp.Star)):
            raise _refusal("* in select", tables, item)
        if not isinstance(value, exp.Column):
            name = "A literal" if is_constant(value) else operator_name(value)
            raise _refusal(f"{name} in select", tables, value)


@rule("LST-16", source=f"{_GUIDE}; inferred for BETWEEN", status=DOCUMENTED, answer=_ANSWER)
def where_has_known_operators(select: exp.Select, tables: Sequence[Table]) -> None:
    """WHERE has conditions over list columns, literals and arithmetic, by =, >, <, <=, >=, <>, !=, NOT, IN, NOT IN, LIKE, BETWEEN and IS [NOT] NULL, with AND
    and OR. All other operators are refused.
    """
    where = select.args.get("where")
    for node in outside_grammar(where.this) if where is not None else ():
        raise _refusal(f"{operator_name(node)} in where", tables, node)


@rule("LST-04", source=_GUIDE, status=DOCUMENTED, answer=_ANSWER)
def refuse_join_columns(columns: Sequence[Used], where: str) -> NoReturn:
    """Join columns stand in ON, and neither in SELECT nor in WHERE. A column that a rule has as both is a list column."""
    raise not_allowed(columns, where)


@rule("LST-05", source="inferred, as of the aggregation analysis rule", status=INFERRED, answer=_ANSWER)
def refuse_columns_without_role(columns: Sequence[Used], where: str) -> NoReturn:
    """A column that the rule names nowhere can't be used, though it is an allowed column of its table."""
    raise not_allowed(columns, where)


@rule("LST-15", source="inferred, as of the aggregation analysis rule", status=INFERRED, answer=_ANSWER)
def partners_differ(joins: Sequence[Condition], select: Select) -> None:
    """A table isn't joined with itself. Two tables of another member may be joined, if one of the runner's is with them."""
    overlap_joins.partners_differ(joins, select)


@rule("LST-14", source="API reference: AnalysisRuleList; inferred for both tables", status=DOCUMENTED, answer=_ANSWER)
def operators_are_allowed(joins: Sequence[Condition], roles: RolesByTable) -> None:
    """Several conditions in ON are connected by AND or OR if allowedJoinOperators of both tables have it. Without any, that is AND."""
    overlap_joins.operators_are_allowed(joins, roles)


@rule("LST-10", source=f"{_GUIDE}; seen in a public lab", status=SEEN, answer=_ANSWER)
def runner_is_joined(select: Select, tables: Sequence[Table], runner: str) -> None:
    """A table of another member is joined to one of the runner's, directly or through others."""
    for table in tables:
        is_lonely = not overlap_joins.has_table_of(runner, select)
        if is_lonely and table.owner != runner and not table.is_id_mapping:
            overlap_joins.refuse_without_runner(table, select.node)


@rule("LST-11", source="inferred, as of the aggregation analysis rule", status=INFERRED, answer=_ANSWER)
def own_table_is_joined(select: Select, tables: Sequence[Table], runner: str) -> None:
    """A table of the runner is joined to at least one other table, which may be the runner's too."""
    for table in tables:
        is_lonely = not overlap_joins.has_other_table(table, select)
        if is_lonely and table.owner == runner and not table.is_id_mapping:
            overlap_joins.refuse_alone(table, select.node)
