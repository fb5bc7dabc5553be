"""What names may be made of."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NoReturn

from cleanrooms_mock.analysis.refusals import Place, malformed
from cleanrooms_mock.rules import DOCUMENTED, rule

if TYPE_CHECKING:
    from sqlglot import exp

_LENGTH = 127
_is_plain = re.compile(r"[A-Za-z_][A-Za-z0-9_$]*").fullmatch
_is_name = re.compile(r"[A-Za-z0-9_$ ]+(?:-[A-Za-z0-9_$ ]+)*").fullmatch
_is_systems = re.compile(r"(?:padb|pg|stcs|stl|stll|stv|svcs|svl|svv|sys|systable)_", re.IGNORECASE).match
_SYSTEM_COLUMNS = {"oid", "tableoid", "xmin", "cmin", "xmax", "cmax", "ctid"}


@rule(
    "SQL-22",
    source="SQL reference: naming rules, FROM; that backticks do is inferred: Spark",
    status=DOCUMENTED,
    answer="FAILED MALFORMED_QUERY",
)
def name_is_quoted(name: str, why: str, at: exp.Expr | Place) -> NoReturn:
    """Double quotes and backticks make a name, single quotes a string. A name needs quotes that has a hyphen or a space, that begins with a digit, or
    that is a reserved word and has no qualifier.
    """
    raise malformed(f"The name {name} needs double quotes, since {why}", at)


@rule(
    "SQL-23",
    source="SQL reference: naming rules; spaces are seen in aws-samples/aws-clean-rooms-lab",
    status=DOCUMENTED,
    answer="FAILED MALFORMED_QUERY",
)
def name_is_allowed(complaint: str, at: exp.Expr | Place | None) -> NoReturn:
    """A name has 1 to 127 letters, digits, underscores and single hyphens, none first or last, and spaces if it is quoted. It doesn't begin as those of
    system tables do (`pg_`, `stl_`, `svv_` and the like), and no column is called as system columns are (`oid`, `xmin`, `ctid` and the like), even
    quoted. Dollar signs may stand in the names of CUSTOM queries only, and quote no strings.
    """
    raise malformed(complaint, at)


def check_name(identifier: exp.Identifier, *, of_table: bool, dollars: bool) -> None:
    """Refuse a name that can't be.

    :param of_table: whether it is the name of a table, which exists or doesn't.
    :param dollars: whether it may have dollar signs.
    """
    name = identifier.this
    if _is_systems(name):
        name_is_allowed(f"{name[:140]} is no name: it begins as those of system tables do", identifier)
    if of_table:
        return
    if not (_is_name(name) if identifier.args.get("quoted") else _is_plain(name)):
        if _is_name(name):
            name_is_quoted(name[:140], "it begins with a digit", identifier)
        name_is_allowed(
            f"{name[:140]!r} is no name: names have letters, digits, underscores and single hyphens", identifier
        )
    if len(name) > _LENGTH:
        name_is_allowed(f"{name[:40]}… is no name: names have at most {_LENGTH} characters", identifier)
    if name.lower() in _SYSTEM_COLUMNS:
        name_is_allowed(f"{name} is no name for a column: system columns have it", identifier)
    if not dollars and "$" in name:
        name_is_allowed(
            f"{name[:140]} is no name here: only queries under CUSTOM rules have names with a $", identifier
        )
