"""What the text of a query alone shows of the AGGREGATION analysis rule: its one SELECT, the clauses, functions and operators that it may have."""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

from cleanrooms_mock.analysis import overlap_joins
from cleanrooms_mock.analysis.called_functions import (
    aggregate_name,
    aggregated,
    function_name,
    is_aggregate,
    is_constant,
    is_function,
    is_literal,
    is_number,
    without_brackets,
)
from cleanrooms_mock.analysis.column_roles import Used, must_be_grouped, not_in_rule
from cleanrooms_mock.analysis.names import is_query
from cleanrooms_mock.analysis.predicates import COMPARISONS, conditions, operator_name, outside_grammar
from cleanrooms_mock.analysis.refusals import Refusal
from cleanrooms_mock.analysis.statements import ParsedQuery
from cleanrooms_mock.analysis.tables import Table
from cleanrooms_mock.rules import DOCUMENTED, INFERRED, SEEN, rule

_GUIDE = "user guide: aggregation analysis rule"
_ANSWER = "FAILED MALFORMED_QUERY"
_AGGREGATES = frozenset(("COUNT", "COUNT_DISTINCT", "SUM", "SUM_DISTINCT", "AVG"))
# fmt: off
_SCALARS = frozenset((
    "ABS", "CAST", "CEILING", "COALESCE", "CONVERT", "CURRENT_DATE", "DATEADD", "EXTRACT", "FLOOR", "GETDATE", "LN", "LOG", "LOWER",
    "ROUND", "RTRIM", "SQRT", "SUBSTRING", "TO_CHAR", "TO_DATE", "TO_NUMBER", "TO_TIMESTAMP", "TRIM", "TRUNC", "UPPER",
))
_CLAUSES = frozenset((
    "hint", "distinct", "expressions", "from_", "joins", "laterals", "where", "group", "having", "order", "limit", "offset",
))
# fmt: on
_CONDITIONALS = frozenset(("CASE", "NVL", "CONCAT", "IF", "NULLIF"))
_PARTS_OF_FUNCTIONS = (exp.Filter, exp.WithinGroup, exp.IgnoreNulls, exp.RespectNulls, exp.HavingMax)


def shape(parsed: ParsedQuery, tables: Sequence[Table]) -> None:
    """Refuse a query that can't keep to the AGGREGATION rule whatever its names mean.

    :param tables: those that it reads.
    """
    query_is_not_combined(parsed.statement, tables)
    query_is_one_select(parsed.statement, tables)
    text = _Text(parsed.statement, tables)
    query_is_whole(text)
    query_has_no_star(text)
    query_has_no_other_clause(text)
    joins_are_inner(text)
    join_conditions_are_equalities(text)
    join_conditions_have_two_sides(text)
    aggregate_functions_are_possible(text)
    aggregate_functions_take_a_column(text)
    conditionals_are_absent(text)
    scalar_functions_are_possible(text)
    where_has_known_operators(text)
    literals_stand_beside_an_aggregate(text)
    select_has_an_aggregate(text)
    select_has_no_distinct(text)
    group_by_takes_dimensions(text)
    outputs_have_no_operators(text)
    having_compares_aggregates_with_numbers(text)


class _Text:
    """A query that is one SELECT.

    :ivar tables: those that it reads.
    :ivar nodes: what is in it, but for its hints, which mean nothing to a rule.
    :ivar functions: the functions in it, each behind the clause that it stands in.
    """

    def __init__(self, select: exp.Expr, tables: Sequence[Table]) -> None:
        assert isinstance(select, exp.Select)
        self.select = select
        self.tables = tables
        self.nodes: list[exp.Expr] = []
        self.functions: list[tuple[str, exp.Expr]] = []
        for clause, value in select.args.items():
            for part in value if isinstance(value, list) else [value]:
                if clause != "hint" and isinstance(part, exp.Expr):
                    nodes = list(part.walk())
                    self.nodes += nodes
                    self.functions += [(clause, node) for node in nodes if is_function(node)]


def _refusal(what: str, tables: Sequence[Table], at: exp.Expr) -> Refusal:
    return not_in_rule(what, "AGGREGATION", tables, at)


@rule("AGG-02", source=_GUIDE, status=DOCUMENTED, answer=_ANSWER)
def query_is_not_combined(statement: exp.Expr, tables: Sequence[Table]) -> None:
    """No UNION, INTERSECT or EXCEPT."""
    query = statement.unnest()
    if isinstance(query, exp.SetOperation):
        raise _refusal(query.key.upper(), tables, query)


@rule("AGG-01", source=_GUIDE, status=DOCUMENTED, answer=_ANSWER)
def query_is_one_select(statement: exp.Expr, tables: Sequence[Table]) -> None:
    """The query is one SELECT: no WITH, and no subquery, be it in FROM, WHERE, behind IN or EXISTS, or for a value."""
    if not isinstance(statement, exp.Select):
        raise _refusal("A query other than one SELECT", tables, statement)
    for node in statement.walk():
        if isinstance(node, exp.With):
            raise _refusal("WITH", tables, node)
        if is_query(node) and node is not statement:
            raise _refusal("A subquery", tables, node)


@rule("AGG-04", source=_GUIDE, status=DOCUMENTED, answer=_ANSWER)
def query_is_whole(text: _Text) -> None:
    """No TOP, LIMIT, OFFSET or FETCH."""
    for name in ("limit", "offset"):
        node = text.select.args.get(name)
        if node is not None:
            raise _refusal("TOP" if "top" in node.meta else node.key.upper(), text.tables, node)


@rule("AGG-05", source=f"{_GUIDE}; inferred for COUNT(*) and COUNT(1)", status=DOCUMENTED, answer=_ANSWER)
def query_has_no_star(text: _Text) -> None:
    """No ``*`` and no ``t.*``, and neither COUNT(*) nor COUNT(1): what is counted is a column."""
    for node in text.nodes:
        if isinstance(node, exp.Star):
            raise _refusal("*", text.tables, node.parent if isinstance(node.parent, exp.Column | exp.Count) else node)
        if is_aggregate(node) and aggregate_name(node) in _AGGREGATES and is_constant(without_brackets(node.this)):
            raise _refusal(f"{function_name(node)} of a literal", text.tables, node)


@rule("AGG-09", source="inferred: not in the guide's grammar", status=INFERRED, answer=_ANSWER)
def query_has_no_other_clause(text: _Text) -> None:
    """No window functions, no FILTER, ORDER BY or WITHIN GROUP of an aggregate, no GROUP BY ALL; and no clause but FROM, WHERE, GROUP BY, HAVING and
    ORDER BY.
    """
    for name, value in text.select.args.items():
        if value and name not in _CLAUSES:
            node = value[0] if isinstance(value, list) else value
            raise _refusal(name.rstrip("_").upper(), text.tables, node if isinstance(node, exp.Expr) else text.select)
    group = text.select.args.get("group")
    if group is not None and group.args.get("all"):
        raise _refusal("GROUP BY ALL", text.tables, group)
    for node in text.nodes:
        if isinstance(node, exp.Window):
            raise _refusal("A window function", text.tables, node)
        if isinstance(node, _PARTS_OF_FUNCTIONS):
            raise _refusal(f"{node.key.upper()} of an aggregate function", text.tables, node)
        if isinstance(node, exp.Order) and node.parent is not text.select:
            raise _refusal("ORDER BY in an aggregate function", text.tables, node)


@rule("AGG-30", source=f"{_GUIDE}; inferred for commas and USING", status=DOCUMENTED, answer=_ANSWER)
def joins_are_inner(text: _Text) -> None:
    """FROM takes names of tables, each with or without an alias, and joins them by ``[INNER] JOIN … ON`` only: no LEFT, RIGHT, FULL, CROSS, NATURAL, SEMI
    or ANTI JOIN, no comma, no USING.
    """
    overlap_joins.joins_are_inner(text.select, "AGGREGATION", text.tables)


@rule("AGG-31", source=_GUIDE, status=DOCUMENTED, answer=_ANSWER)
def join_conditions_are_equalities(text: _Text) -> None:
    """Each condition of an ON is ``=`` between two bare columns: no literal, function, cast or arithmetic, no other operator, and no NOT."""
    overlap_joins.conditions_are_equalities(text.select, "AGGREGATION", text.tables)


@rule("AGG-33", source=_GUIDE, status=DOCUMENTED, answer=_ANSWER)
def join_conditions_have_two_sides(text: _Text) -> None:
    """Each condition of an ON has a column of the table that its JOIN adds, and one of a table before it: not two of one table, and none of a table that
    is joined later.
    """
    overlap_joins.sides_are_two(text.select, text.tables)


@rule("AGG-10", source="API reference: AggregateFunctionName", status=DOCUMENTED, answer=_ANSWER)
def aggregate_functions_are_possible(text: _Text) -> None:
    """Of the aggregate functions there are COUNT, COUNT DISTINCT, SUM, SUM DISTINCT and AVG. All others are refused, whatever the rule says."""
    for clause, node in text.functions:
        if clause != "having" and is_aggregate(node) and aggregate_name(node) not in _AGGREGATES:
            raise _refusal(
                f"Aggregate function {aggregate_name(node).replace('_DISTINCT', ' DISTINCT')}", text.tables, node
            )


@rule("AGG-12", source=_GUIDE, status=DOCUMENTED, answer=_ANSWER)
def aggregate_functions_take_a_column(text: _Text) -> None:
    """An aggregate function takes one bare column, with or without a qualifier: nothing is computed inside it, and there aren't two columns."""
    for _, node in text.functions:
        if is_aggregate(node) and aggregated(node) is None:
            raise _refusal(f"Aggregate function {function_name(node)} of anything but one column", text.tables, node)


@rule("AGG-24", source="API reference: ScalarFunctions, which has none of them", status=DOCUMENTED, answer=_ANSWER)
def conditionals_are_absent(text: _Text) -> None:
    """CASE, NVL, CONCAT, ``||``, IF and NULLIF are refused, whatever the columns and the rule."""
    for node in text.nodes:
        name = "||" if isinstance(node, exp.DPipe) else function_name(node) if is_function(node) else ""
        if name == "||" or name in _CONDITIONALS:
            raise _refusal(name, text.tables, node)


@rule("AGG-23", source="API reference: ScalarFunctions; inferred for the synonyms", status=DOCUMENTED, answer=_ANSWER)
def scalar_functions_are_possible(text: _Text) -> None:
    """The scalar functions that a rule can allow are ABS, CAST, CEILING, COALESCE, CONVERT, CURRENT_DATE, DATEADD, EXTRACT, FLOOR, GETDATE, LN, LOG,
    LOWER, ROUND, RTRIM without characters, SQRT, SUBSTRING, TO_CHAR, TO_DATE, TO_NUMBER, TO_TIMESTAMP, TRIM, TRUNC and UPPER; all others are refused.
    ``x::type`` is CAST, CEIL is CEILING and SUBSTR is SUBSTRING.
    """
    for _, node in text.functions:
        if is_aggregate(node):
            continue
        name = function_name(node)
        if name not in _SCALARS:
            raise _refusal(f"Scalar function {name}", text.tables, node)
        if name == "RTRIM" and node.args.get("expression") is not None:
            raise _refusal("RTRIM with characters", text.tables, node)


@rule("AGG-41", source=f"{_GUIDE}, whose example has BETWEEN; inferred for the rest", status=INFERRED, answer=_ANSWER)
def where_has_known_operators(text: _Text) -> None:
    """BETWEEN may stand in WHERE. ILIKE, RLIKE, EXISTS, ANY, ``<=>``, IS TRUE, IS DISTINCT FROM and aggregate functions may not, nor any other operator."""
    where = text.select.args.get("where")
    for node in outside_grammar(where.this) if where is not None else ():
        if is_aggregate(node):
            raise _refusal(f"Aggregate function {function_name(node)} in where", text.tables, node)
        if not is_function(node):
            raise _refusal(f"{operator_name(node)} in where", text.tables, node)


@rule("AGG-26", source=_GUIDE, status=DOCUMENTED, answer=_ANSWER)
def literals_stand_beside_an_aggregate(text: _Text) -> None:
    """A string or a number can be selected beside an aggregate function, and needs no GROUP BY. No other literal can be."""
    items = [without_brackets(item.unalias()) for item in text.select.expressions]
    for item in items:
        if is_constant(item) and not is_literal(item):
            raise _refusal("A literal other than a string or a number in select", text.tables, item)
    if all(map(is_literal, items)):
        raise _refusal("A select list without an aggregate function", text.tables, text.select)


@rule("AGG-03", source=f"{_GUIDE}; seen in a public lab", status=SEEN, answer=_ANSWER)
def select_has_an_aggregate(text: _Text) -> None:
    """At least one aggregate function is selected. Dimensions alone are refused, with or without GROUP BY or DISTINCT."""
    if any(clause == "expressions" and is_aggregate(node) for clause, node in text.functions):
        return
    joined = overlap_joins.members(text.select, text.tables)
    group = text.select.args.get("group")
    grouped = {column.name.lower() for column in group.find_all(exp.Column)} if group is not None else set()
    columns = []
    for column in (column for item in text.select.expressions for column in item.find_all(exp.Column)):
        member = overlap_joins.member_of(column, joined)
        relation, table = (column.table.lower(), None) if member is None else (member.name, member.table)
        if column.name.lower() not in grouped:
            columns.append(Used(column, column.name.lower(), relation, table))
    raise (
        must_be_grouped(columns)
        if columns
        else _refusal("A select list without an aggregate function", text.tables, text.select)
    )


@rule("AGG-06", source="inferred: not in the guide's grammar", status=INFERRED, answer=_ANSWER)
def select_has_no_distinct(text: _Text) -> None:
    """No SELECT DISTINCT."""
    if text.select.args.get("distinct") is not None:
        raise _refusal("SELECT DISTINCT", text.tables, text.select)


@rule("AGG-08", source=f"{_GUIDE}; inferred for ordinals, aliases and literals", status=DOCUMENTED, answer=_ANSWER)
def group_by_takes_dimensions(text: _Text) -> None:
    """GROUP BY takes dimension columns, and scalar functions of them: no ordinals or other literals, no aliases, no ROLLUP, CUBE or GROUPING SETS, and no
    aggregate functions.
    """
    group = text.select.args.get("group")
    if group is None:
        return
    for name, value in group.args.items():
        if value and name != "expressions":
            raise _refusal(f"GROUP BY with {name.upper()}", text.tables, group)
    joined = overlap_joins.members(text.select, text.tables)
    aliases = {item.alias.lower() for item in text.select.expressions if isinstance(item, exp.Alias)}
    for key in map(without_brackets, group.expressions):
        if isinstance(key, exp.Rollup | exp.Cube | exp.GroupingSets | exp.Tuple) or is_constant(key):
            name = "a literal" if is_constant(key) else operator_name(key)
            raise _refusal(f"GROUP BY with {name}", text.tables, key)
        if any(map(is_aggregate, key.walk())):
            raise _refusal("GROUP BY with an aggregate function", text.tables, key)
        for column in key.find_all(exp.Column):
            known = any(
                member.table is not None and column.name.lower() in map(str.lower, member.table.columns)
                for member in joined
            )
            if not column.table and not known and column.name.lower() in aliases:
                raise _refusal(f"GROUP BY with the alias {column.name}", text.tables, column)


@rule("AGG-25", source=f"{_GUIDE}; inferred: it names them for WHERE alone", status=INFERRED, answer=_ANSWER)
def outputs_have_no_operators(text: _Text) -> None:
    """Arithmetic, as all other operators, is for WHERE: nothing in SELECT and GROUP BY is computed from columns or aggregates but by functions."""
    group = text.select.args.get("group")
    grouped = group.expressions if group is not None else []
    for clause, items in (("select", text.select.expressions), ("group by", grouped)):
        for item in items:
            value = without_brackets(item.unalias())
            if not (isinstance(value, exp.Column) or is_function(value) or is_literal(value)):
                raise _refusal(f"{operator_name(value)} in {clause}", text.tables, value)


@rule("AGG-43", source=f"{_GUIDE}; inferred for aliases and NOT", status=DOCUMENTED, answer=_ANSWER)
def having_compares_aggregates_with_numbers(text: _Text) -> None:
    """HAVING has no dimension, alias or string, compares no aggregate with another, and has no arithmetic, IN, BETWEEN or NOT."""
    having = text.select.args.get("having")
    for condition in conditions(having.this) if having is not None else ():
        sides = [condition.this, condition.expression] if isinstance(condition, COMPARISONS) else []
        aggregates = filter(is_aggregate, map(without_brackets, sides))
        possible = [node for node in aggregates if aggregate_name(node) in _AGGREGATES]
        if len(possible) != 1 or not any(map(is_number, sides)):
            what = "A condition in having other than a comparison of COUNT, SUM or AVG with a number"
            raise _refusal(what, text.tables, condition)
