"""The tables, and the template, of ``cleanrooms-mock check``, read from JSON as the API has it."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, NoReturn, cast

from botocore import xform_name
from botocore.loaders import Loader
from botocore.model import ServiceModel
from botocore.validate import ParamValidator

from cleanrooms_mock.analysis.tables import Reason, RuleType, Table, TableKind

_METHODS = ("DIRECT_QUERY", "DIRECT_JOB")
_ID_MAPPING = {"sourceid": "string", "targetid": "string"}
#: The policy of a rule, by the kind of its table, as the model calls it.
_POLICIES: dict[TableKind, str] = {
    "TABLE": "ConfiguredTableAnalysisRulePolicy",
    "ID_MAPPING_TABLE": "AnalysisRulePolicy",
    "INTERMEDIATE_TABLE": "IntermediateTableAnalysisRulePolicy",
}
_RULE_TYPES = {"aggregation": "AGGREGATION", "list": "LIST", "custom": "CUSTOM", "idMappingTable": "ID_MAPPING_TABLE"}
_is_account = re.compile(r"\d{12}").fullmatch


class Misuse(Exception):
    """Input that can't be checked; the message says what is wrong with it, and where."""


@dataclass(frozen=True, slots=True)
class GivenTemplate:
    """An analysis template as it was given.

    :ivar arn: ``None`` if it has none yet.
    :ivar parameters: the type and the default value, ``None`` if there is none, of each parameter by its name.
    """

    text: str
    arn: str | None
    parameters: Mapping[str, tuple[str, str | None]]


@dataclass(frozen=True, slots=True)
class Given:
    """What the file of tables says.

    :ivar runner: the account that asks, unless the command line says otherwise.
    :ivar receivers: the accounts that get results, likewise.
    """

    tables: Mapping[str, Table]
    runner: str | None
    receivers: tuple[str, ...]


def read_tables(given: object) -> Given:
    """Read the file of tables.

    :param given: its JSON.
    :raises Misuse: for anything that isn't as described.
    """
    whole = _object(given, "the file", {"tables", "runner", "receivers"})
    tables: dict[str, Table] = {}
    for name, table in _object(_needed(whole, "tables", "the file"), "tables").items():
        if name.lower() in tables:
            _refuse("tables", f"{name} is there twice, since names have no case")
        tables[name.lower()] = _table(name, table, f"tables.{name}")
    runner = whole.get("runner")
    receivers = _accounts(whole.get("receivers", []), "receivers")
    return Given(tables, None if runner is None else account(runner, "runner"), receivers)


def read_template(given: object) -> GivenTemplate:
    """Read an analysis template, as CreateAnalysisTemplate takes it or GetAnalysisTemplate answers it.

    :param given: its JSON.
    :raises Misuse: for anything else, and for a PySpark template.
    """
    whole = _object(given, "the template")
    whole = _object(whole.get("analysisTemplate", whole), "the template")
    source = _object(_needed(whole, "source", "the template"), "source")
    text = source.get("text")
    if whole.get("format", "SQL") != "SQL" or not isinstance(text, str):
        _refuse("the template", "it must be in SQL, with source.text")
    parameters: dict[str, tuple[str, str | None]] = {}
    for number, one in enumerate(_list(whole.get("analysisParameters", []), "analysisParameters"), 1):
        path = f"analysisParameters[{number}]"
        _validate("AnalysisParameter", one, path)
        kind = one["type"]
        if kind not in _model().shape_for("ParameterType").metadata["enum"]:
            _refuse(path, f"{kind} is no type of parameters")
        parameters[one["name"]] = (kind, one.get("defaultValue"))
    arn = whole.get("arn")
    return GivenTemplate(text, None if arn is None else str(arn), parameters)


def account(value: object, path: str) -> str:
    """Return an account's id, or refuse it."""
    if not isinstance(value, str) or not _is_account(value):
        _refuse(path, f"{value!r} is no account's id, which is a string of 12 digits")
    return value


def _table(name: str, given: object, path: str) -> Table:
    said = _object(
        given,
        path,
        {
            *("owner", "kind", "columns", "allowedColumns", "analysisRule", "associationRule"),
            *("analysisMethod", "selectedAnalysisMethods", "populated", "privacyBudget", "sides"),
        },
    )
    kind = cast("TableKind", said.get("kind", "TABLE"))
    if not isinstance(kind, str) or kind not in _POLICIES:
        _refuse(f"{path}.kind", f"{kind!r} is none of {', '.join(_POLICIES)}")
    rule_type, policy = _rule(said.get("analysisRule"), _POLICIES[kind], f"{path}.analysisRule")
    shared_type, shared = _rule(
        said.get("associationRule"), "ConfiguredTableAssociationAnalysisRulePolicy", f"{path}.associationRule"
    )
    reasons = list(_reasons(said, kind, rule_type, policy, shared_type))
    return Table(
        name=name.lower(),
        kind=kind,
        owner=account(_needed(said, "owner", path), f"{path}.owner"),
        columns=_columns(said, kind, path),
        rule_type=rule_type,
        policy=policy or {},
        association_policy=shared,
        methods=_methods(said, path),
        not_ready=reasons,
        sides={
            column.lower(): account(side, f"{path}.sides.{column}")
            for column, side in _object(said.get("sides", {}), f"{path}.sides").items()
        },
    )


def _columns(said: Mapping[str, Any], kind: TableKind, path: str) -> dict[str, str]:
    given = said.get("columns", _ID_MAPPING if kind == "ID_MAPPING_TABLE" else None)
    if isinstance(given, list):
        # As the Glue Data Catalog and GetSchema list them.
        entries = [{name.lower(): value for name, value in _object(one, f"{path}.columns").items()} for one in given]
        given = {str(_needed(one, "name", f"{path}.columns")): one.get("type") for one in entries}
    if given is None:
        _refuse(path, "columns are missing")
    columns = {name.lower(): type_ for name, type_ in _object(given, f"{path}.columns").items()}
    for name, type_ in columns.items():
        if not isinstance(type_, str):
            _refuse(f"{path}.columns.{name}", "its type is missing, as the Glue Data Catalog spells it")
    allowed = said.get("allowedColumns")
    if allowed is None:
        return columns
    names = [str(name).lower() for name in _list(allowed, f"{path}.allowedColumns")]
    for name in names:
        if name not in columns:
            _refuse(f"{path}.allowedColumns", f"{name} is none of the columns")
    return {name: type_ for name, type_ in columns.items() if name in names}


def _rule(given: object, shape: str, path: str) -> tuple[RuleType | None, dict[str, Any] | None]:
    """Return the type of a rule and the inner part of its policy; the policy may also stand alone, without its type."""
    if given is None:
        return None, None
    said = _object(given, path)
    policy = said.get("analysisRulePolicy", said.get("policy", said))
    _validate(shape, policy, path)
    ((name, inner),) = policy["v1"].items()
    found = _RULE_TYPES[name]
    if said.get("analysisRuleType", found) != found:
        _refuse(path, f"its type is {said['analysisRuleType']}, its policy of {found}")
    return cast("RuleType", found), cast("dict[str, Any]", _snake(inner))


def _reasons(
    said: Mapping[str, Any],
    kind: TableKind,
    rule_type: RuleType | None,
    policy: Mapping[str, Any] | None,
    shared_type: RuleType | None,
) -> Iterator[Reason]:
    """Yield why a table isn't ready, as far as its rules show."""
    policy = policy or {}
    if shared_type not in (None, rule_type):
        yield Reason(
            "ANALYSIS_RULE_TYPES_NOT_COMPATIBLE", "the rules of the table and of its association differ in type"
        )
    wildcards = {"ANY_QUERY", "ANY_JOB"} & {*policy.get("allowed_analyses", ())}
    if wildcards and not policy.get("allowed_analysis_providers"):
        yield Reason("ANALYSIS_PROVIDERS_NOT_CONFIGURED", "nobody is among the allowed analysis providers")
    if "differential_privacy" in policy and not said.get("privacyBudget", True):
        yield Reason("DIFFERENTIAL_PRIVACY_POLICY_NOT_CONFIGURED", "the owner has no privacy budget")
    if not said.get("populated", True):
        yield Reason(f"{kind}_NOT_POPULATED", "the table has not been populated")


def _methods(said: Mapping[str, Any], path: str) -> frozenset[str]:
    method = said.get("analysisMethod", "DIRECT_QUERY")
    selected = [method] if method in _METHODS else _list(said.get("selectedAnalysisMethods", []), path)
    if method not in (*_METHODS, "MULTIPLE") or not all(one in _METHODS for one in selected):
        _refuse(f"{path}.analysisMethod", "it is DIRECT_QUERY, DIRECT_JOB, or MULTIPLE with selectedAnalysisMethods")
    return frozenset(selected)


def _snake(value: Any) -> Any:
    """Return JSON with its members spelt as the rules read them."""
    if isinstance(value, dict):
        return {xform_name(name): _snake(one) for name, one in value.items()}
    return [_snake(one) for one in value] if isinstance(value, list) else value


@cache
def _model() -> ServiceModel:
    return ServiceModel(Loader().load_service_model("cleanrooms", "service-2"))


def _validate(shape: str, value: Any, path: str) -> None:
    """Refuse what isn't as the service model has it."""
    report = ParamValidator().validate(value, _model().shape_for(shape))
    if report.has_errors():
        _refuse(path, report.generate_report().partition("\n")[0])


def _object(value: object, path: str, members: Collection[str] | None = None) -> dict[str, Any]:
    if not isinstance(value, dict):
        _refuse(path, "it must be an object")
    for name in value:
        if members is not None and name not in members:
            _refuse(path, f"{name} is none of {', '.join(sorted(members))}")
    return value


def _list(value: object, path: str) -> list[Any]:
    if not isinstance(value, list):
        _refuse(path, "it must be a list")
    return value


def _accounts(value: object, path: str) -> tuple[str, ...]:
    return tuple(account(one, path) for one in _list(value, path))


def _needed(said: Mapping[str, Any], name: str, path: str) -> Any:
    if name not in said:
        _refuse(path, f"{name} is missing")
    return said[name]


def _refuse(path: str, complaint: str) -> NoReturn:
    raise Misuse(f"{path}: {complaint}")
