"""The functions that there are, by name, and how many arguments each takes.

Names come from the families of the SQL reference, from the user guide's two pages of SQL capabilities and from the API's ScalarFunctions.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NoReturn

from sqlglot import exp

from cleanrooms_mock.analysis.refusals import malformed
from cleanrooms_mock.rules import DOCUMENTED, INFERRED, behaviour, rule

_ANY = 1_000_000


def _family(names: str, least: int, most: int | None = None) -> dict[str, tuple[int, int]]:
    return dict.fromkeys(names.split(), (least, least if most is None else most))


#: How many arguments each function takes at least and at most. A form with keywords between its parts, as `TRIM(BOTH ' ' FROM x)`, has one.
FUNCTIONS: dict[str, tuple[int, int]] = {
    # aggregate
    **_family("AVG BOOL_AND BOOL_OR COLLECT_LIST COLLECT_SET MAX MEDIAN MIN SKEWNESS SUM", 1),
    **_family("STDDEV STDDEV_POP STDDEV_SAMP VARIANCE VAR_POP VAR_SAMP PERCENTILE_CONT PERCENTILE_DISC", 1),
    **_family("ANY_VALUE APPROX_COUNT_DISTINCT FIRST HLL_SKETCH_AGG HLL_UNION_AGG LAST", 1, 2),
    **_family("APPROX_PERCENTILE PERCENTILE", 2, 3),
    **_family("COUNT", 1, _ANY),
    # window
    **_family("CUME_DIST DENSE_RANK PERCENT_RANK RANK ROW_NUMBER", 0),
    **_family("FIRST_VALUE LAST_VALUE", 1, 2),
    **_family("LAG LEAD", 1, 3),
    **_family("NTH_VALUE", 2, 3),
    **_family("NTILE", 1),
    # array, constructor, scalar
    **_family("ARRAY MAP", 0, _ANY),
    **_family("ARRAY_CONTAINS ARRAY_EXCEPT ARRAY_INTERSECT ARRAY_REMOVE ARRAY_UNION", 2),
    **_family("ARRAY_DISTINCT ARRAY_SORT CARDINALITY EXPLODE FLATTEN SIZE", 1),
    **_family("ARRAY_JOIN", 2, 3),
    **_family("NAMED_STRUCT", 2, _ANY),
    **_family("STRUCT", 1, _ANY),
    # conditional
    **_family("CASE", 0),
    **_family("COALESCE", 1, _ANY),
    **_family("GREATEST LEAST", 2, _ANY),
    **_family("IF NVL2", 3),
    **_family("ISNOTNULL ISNULL IS_NOT_NULL IS_NULL", 1),
    **_family("NULLIF NVL", 2),
    # conversion
    **_family("BASE64 CAST HEX TRY_CAST UNBASE64 UNHEX", 1),
    **_family("CONVERT DECODE ENCODE TO_CHAR TO_NUMBER", 2),
    **_family("STR_TO_MAP", 1, 3),
    **_family("TO_DATE TO_TIMESTAMP", 1, 2),
    # date and time
    **_family("CURRENT_DATE CURRENT_TIMESTAMP GETDATE", 0),
    **_family("DAY DAYOFMONTH DAYOFWEEK DAYOFYEAR EXTRACT HOUR MINUTE MONTH SECOND TIMESTAMP WEEKOFYEAR YEAR", 1),
    **_family("ADD_MONTHS DATE_PART DATE_TRUNC FROM_UTC_TIMESTAMP", 2),
    **_family("CONVERT_TIMEZONE DATEADD DATEDIFF DATE_ADD DATE_DIFF", 2, 3),
    # encryption, hash, HyperLogLog, JSON
    **_family("AES_DECRYPT", 2, 5),
    **_family("AES_ENCRYPT", 2, 6),
    **_family("HLL_SKETCH_ESTIMATE MD5 SHA SHA1", 1),
    **_family("HLL_UNION", 2, 3),
    **_family("GET_JSON_OBJECT SHA2", 2),
    **_family("TO_JSON", 1, 2),
    **_family("XXHASH64", 1, _ANY),
    # math
    **_family("ABS ACOS ASIN ATAN CBRT COS COT DEGREES EXP LN LOG10 RADIANS SIGN SIN SQRT", 1),
    **_family("ATAN2 DIV MOD POWER", 2),
    **_family("CEIL CEILING FLOOR LOG ROUND TRUNC TRUNCATE", 1, 2),
    **_family("PI", 0),
    **_family("RAND RANDOM", 0, 1),
    # string
    **_family("CHARACTER_LENGTH CHAR_LENGTH LEN LENGTH LOWER REVERSE UPPER", 1),
    **_family("BTRIM LTRIM RTRIM TRIM", 1, 2),
    **_family("CONCAT FORMAT_STRING", 1, _ANY),
    **_family("LEFT REPEAT RIGHT", 2),
    **_family("LPAD REPLACE RPAD SPLIT SUBSTR", 2, 3),
    **_family("POSITION SUBSTRING", 1, 3),
    **_family("REGEXP_COUNT", 2, 4),
    **_family("REGEXP_INSTR", 2, 6),
    **_family("REGEXP_REPLACE REGEXP_SUBSTR", 2, 5),
    **_family("SPLIT_PART TRANSLATE", 3),
    **_family("UUID", 0),
    # privacy
    **_family("CONSENT_GPP_V1_DECODE CONSENT_TCF_V2_DECODE", 1),
}

#: Functions that make one value of many rows.
AGGREGATES = frozenset(
    [
        "ANY_VALUE",
        "APPROX_COUNT_DISTINCT",
        "APPROX_PERCENTILE",
        "AVG",
        "BOOL_AND",
        "BOOL_OR",
        "COLLECT_LIST",
        "COLLECT_SET",
        "COUNT",
        "FIRST",
        "HLL_SKETCH_AGG",
        "HLL_UNION_AGG",
        "LAST",
        "MAX",
        "MEDIAN",
        "MIN",
        "PERCENTILE",
        "PERCENTILE_CONT",
        "PERCENTILE_DISC",
        "SKEWNESS",
        "STDDEV",
        "STDDEV_POP",
        "STDDEV_SAMP",
        "SUM",
        "VARIANCE",
        "VAR_POP",
        "VAR_SAMP",
    ]
)
#: Functions of a window, which are nothing without OVER.
WINDOW_FUNCTIONS = frozenset(
    [
        "CUME_DIST",
        "DENSE_RANK",
        "FIRST_VALUE",
        "LAG",
        "LAST_VALUE",
        "LEAD",
        "NTH_VALUE",
        "NTILE",
        "PERCENT_RANK",
        "RANK",
        "ROW_NUMBER",
    ]
)
#: Functions whose strings are dates, but for those that name a unit, a zone or a format.
DATE_FUNCTIONS = frozenset(
    [
        "ADD_MONTHS",
        "CONVERT_TIMEZONE",
        "DATEADD",
        "DATEDIFF",
        "DATE_ADD",
        "DATE_DIFF",
        "DATE_PART",
        "DATE_TRUNC",
        "DAY",
        "DAYOFMONTH",
        "DAYOFWEEK",
        "DAYOFYEAR",
        "EXTRACT",
        "FROM_UTC_TIMESTAMP",
        "HOUR",
        "MINUTE",
        "MONTH",
        "SECOND",
        "TIMESTAMP",
        "TO_DATE",
        "TO_TIMESTAMP",
        "WEEKOFYEAR",
        "YEAR",
    ]
)
# Their second argument says whether NULLs are passed over; the parser keeps it only if it can't.
_WITH_BOOLEAN = {"ANY_VALUE", "FIRST", "FIRST_VALUE", "LAST", "LAST_VALUE"}
# Keywords may stand in the place of commas, and there must be a second part all the same.
_NEEDED = {"POSITION": "substr", "SUBSTRING": "start"}

behaviour(
    "SQL-09",
    "Functions that give something else each time are allowed: RAND, RANDOM and UUID. CURRENT_DATE and CURRENT_TIMESTAMP stay the same while a query runs.",
    source="user guide: SQL capabilities",
    status=DOCUMENTED,
)
behaviour(
    "SQL-10",
    "The families of functions are those for aggregates, arrays, conditions, construction, conversion, dates and times, encryption, hashes, HyperLogLog, "
    "JSON, mathematics, sizes, strings, consents and windows.",
    source="SQL reference: SQL functions; which functions they hold is inferred where only examples are given",
    status=DOCUMENTED,
)


def function_name(node: exp.Expr) -> str | None:
    """Return the name in capitals with which a function was called; ``None`` for an operator, a literal, and parts that a call was taken apart into."""
    name: str | None = node.meta.get("function")
    return name


@rule(
    "SQL-08",
    source="SQL reference: functions; user guide: SQL capabilities; API reference ScalarFunctions; that their union holds is inferred",
    status=INFERRED,
    answer="FAILED MALFORMED_QUERY",
)
def function_exists(name: str, at: exp.Expr) -> NoReturn:
    """Functions are those of the SQL reference, of the pages of SQL capabilities and of the API's ScalarFunctions. No other may be called: none that
    somebody has defined, none that runs code or tells about users, sessions and files, and none of Spark's that nobody has listed.
    """
    raise malformed(f"Function(s) [{name[:140]}] is not supported", at)


@rule(
    "SQL-33",
    source="SQL reference: functions, TRUNC; API reference ScalarFunctions; that types convert as Spark converts them is inferred",
    status=DOCUMENTED,
    answer="FAILED MALFORMED_QUERY",
)
def arguments_fit(complaint: str, at: exp.Expr) -> NoReturn:
    """A function takes as many arguments as it has. TRUNC takes one too, CONVERT a type and a value. Values of other types than those wanted are
    converted, to NULL if they can't be.
    """
    raise malformed(complaint, at)


def check_calls(calls: Iterable[exp.Expr]) -> None:
    """Refuse functions that there aren't, and wrong numbers of arguments.

    :param calls: the functions of a query, as :func:`cleanrooms_mock.analysis.constructs.check_text` finds them.
    """
    for node in calls:
        meta = node.meta
        name = meta.get("function") or _unnamed(node)
        numbers = FUNCTIONS.get(name)
        if numbers is None:
            function_exists(name, node)
        given = meta["arguments"]
        if not numbers[0] <= given <= numbers[1] or _lacks_a_part(name, node, given):
            arguments_fit(f"Function {name} takes {_shown(*numbers)}, not {_count(given)}", node)


def _unnamed(node: exp.Expr) -> str:
    if isinstance(node, exp.Anonymous):
        return node.name.upper()
    return node.sql_name() if isinstance(node, exp.Func) else node.key.upper()


def _lacks_a_part(name: str, node: exp.Expr, given: int) -> bool:
    if name in ("MAP", "NAMED_STRUCT"):
        return given % 2 == 1
    if name in _WITH_BOOLEAN:
        return isinstance(node, exp.Anonymous)
    return name in _NEEDED and given == 1 and node.args.get(_NEEDED[name]) is None


def _count(number: int) -> str:
    return "1 argument" if number == 1 else f"{number} arguments"


def _shown(least: int, most: int) -> str:
    if most == _ANY:
        return f"at least {_count(least)}"
    return _count(least) if least == most else f"{least} to {_count(most)}"
