"""The registry of operations, and how one is carried out."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn, TypeVar

from botocore.model import OperationModel
from botocore.session import Session

from cleanrooms_mock.cleanrooms.backend import CleanRoomsBackend, cleanrooms_backends
from cleanrooms_mock.cleanrooms.controls import Controls, Entry, Fault, current, log
from cleanrooms_mock.cleanrooms.errors import ValidationException
from cleanrooms_mock.cleanrooms.rates import is_rate_limited, respect_request_rate
from cleanrooms_mock.cleanrooms.world import World
from cleanrooms_mock.protocol import ForeignToken, Operation, RestJson, ServiceError, UnmodelledError, Violations
from cleanrooms_mock.rules import DOCUMENTED, INFERRED, SEEN, SITE, behaviour, catalogue, rule, rule_behind

if TYPE_CHECKING:
    from cleanrooms_mock.cleanrooms.analysis_runs import Failure

SERVICE = "cleanrooms"

F = TypeVar("F", bound=Callable[..., Any])

#: The modules that have operations. One is imported at the first call of an operation that none before it has, so those that most tests need
#: come first.
MODULES = (
    "collaborations",
    "memberships",
    "members",
    "configured_tables",
    "analysis_rules",
    "associations",
    "schemas",
    "tags",
    "association_rules",
    "analysis_templates",
    "change_requests",
    "privacy_budgets",
    "budgets",
    "id_namespaces",
    "id_mapping_tables",
    "audience_models",
    "intermediate_tables",
    "intermediate_table_rules",
    "intermediate_table_versions",
    "protected_queries",
    "protected_jobs",
    "log_exports",
)

#: The functions that answer operations, by boto3's names, and the parameters that each knows; of the modules imported so far.
functions: dict[str, tuple[Callable[..., Any], frozenset[str]]] = {}


def operation(function: F) -> F:
    """Register a function as the operation of its name: the caller first, the operation's parameters by keyword.

    It returns the one member of the output shape, a dict of its members if there are several, or for an operation that paginates the whole
    listing. Every check comes before its first change of state, since what it raises is answered and nothing is rolled back.
    """
    names = frozenset(inspect.signature(function).parameters) - {"caller"}
    functions[function.__name__] = (function, names)
    return function


@dataclass(slots=True)
class Caller:
    """Who asks.

    :ivar account_id: the account whose credentials were used.
    :ivar region_name: the Region that was asked.
    :ivar backend: the account's state there.
    :ivar world: what the Region's accounts share.
    :ivar controls: what the innermost active mock has set.
    :ivar failure: why the query or job that it started or asked for is FAILED.
    """

    account_id: str
    region_name: str
    backend: CleanRoomsBackend
    world: World
    controls: Controls
    failure: Failure | None = None

    @property
    def partition(self) -> str:
        """The partition of the Region, for ARNs."""
        return self.backend.partition

    @property
    def is_strict(self) -> bool:
        """Whether what the caller names must exist, though the test may have made nothing of its kind."""
        return self.controls.references == "strict"

    def owns(self, arn: str) -> bool:
        """Whether an ARN is one of the caller's account, in the Region that was asked."""
        return arn.split(":")[3:5] == [self.region_name, self.account_id]


class Answer(NamedTuple):
    """What an operation came to, and for an error its name.

    :ivar body: what ``write`` made; of an error always a dict, by wire names.
    :ivar rule: the rule behind an error, or behind the failure of the query or job that the call is about.
    """

    status: int
    body: Any
    error: str | None = None
    rule: str | None = None


behaviour(
    "TAG-3",
    "The ARN of a resource to be tagged may be 256 characters long: the model's limit of 100 is shorter than the ARN of anything under a "
    "membership, and AWS's own CloudFormation handlers tag those. The pattern holds, with any partition and Region.",
    source="aws-cloudformation analysistemplate, configuredtableassociation handlers",
    status=SEEN,
)
_OVERRIDES: Mapping[str, Mapping[str, Any]] = {
    "CleanroomsArn": {"max": 256, "pattern": r"arn:aws[-a-z]*:cleanrooms:[-a-z0-9]+:[\d]{12}:[\d\w/-]+"},
}

_protocol: RestJson | None = None


def protocol(operation_model: OperationModel | None = None) -> RestJson:
    """Return the compiled protocol of the service.

    :param operation_model: of a client's own model, which saves loading one if this is the first call.
    """
    global _protocol
    if _protocol is None:
        model = operation_model.service_model if operation_model else Session().get_service_model(SERVICE)
        _protocol = RestJson(model, _OVERRIDES)
    return _protocol


behaviour(
    "ERR-4",
    "The message of a broken constraint counts the faults and lists them: `1 validation error detected: Value at 'queryLogStatus' failed to "
    "satisfy constraint: Member must satisfy enum value set: [ENABLED, DISABLED]`. Nested members are joined with dots, items of lists are "
    "`member.N`, counted from 1.",
    source="inferred from the wording of AWS's other services",
    status=INFERRED,
)
behaviour(
    "ERR-6",
    "A body that isn't JSON or no object, or a value of the wrong JSON type, is answered like a broken constraint, naming the member.",
    source="inferred: every operation models ValidationException, none a serialisation error",
    status=INFERRED,
)
behaviour(
    "ERR-7",
    "A malformed id in a path, such as an ARN or a UUID with upper-case digits, is a broken constraint, never a resource that isn't found.",
    source="service model: patterns of CollaborationIdentifier, MembershipIdentifier",
    status=DOCUMENTED,
)
behaviour(
    "ERR-14",
    "Without maxResults a page has 100 items.",
    source="inferred: the API reference of ListMembers leaves it to the service",
    status=INFERRED,
)
behaviour(
    "ERR-16",
    "The order of checks: constraints of the model; existence of the parent and the right to see it; the caller's role; the resource's "
    "state; consistency with the collaboration; roles and buckets; quota. The first that fails answers.",
    source="inferred: cheap checks first, the quota when something would be created",
    status=INFERRED,
)
behaviour(
    "ERR-19",
    "A pattern holds for the whole value, though many are written without anchors, and classes that list surrogates allow every character "
    "beyond the Basic Multilingual Plane, such as an emoji in a name.",
    source="inferred from the service model, whose patterns are written for Java's `matches`",
    status=INFERRED,
)


@rule(
    "ERR-3",
    source="inferred from the usual front end of AWS services, and the service model",
    status=INFERRED,
    answer="ValidationException FIELD_VALIDATION_FAILED",
)
def refuse_broken_constraints(violations: Violations) -> NoReturn:
    """A request that breaks a constraint of the service model (required, length, range, pattern, enum) is refused before anything else is
    looked at, with one `fieldList` entry for each broken member.
    """
    raise _validation_exception(violations)


@rule(
    "ERR-13", source="inferred from AWS practice", status=INFERRED, answer="ValidationException FIELD_VALIDATION_FAILED"
)
def refuse_foreign_token(violations: ForeignToken) -> NoReturn:
    """A nextToken that is unknown, altered, or from another listing or filter is refused."""
    raise _validation_exception(violations)


def _validation_exception(violations: Violations) -> ValidationException:
    return ValidationException(
        violations.message,
        reason="FIELD_VALIDATION_FAILED",
        fields=[(fault.path, fault.message) for fault in violations.faults],
    )


class InjectedError(ServiceError):
    """A modelled exception that a test asked for."""

    def __init__(self, code: str, message: str, members: Mapping[str, Any]) -> None:
        super().__init__(message)
        self.code = code  # type: ignore[misc]
        vars(self).update(members)


def invoke(
    operation: Operation,
    labels: Mapping[str, str],
    query: str,
    body: bytes | str | None,
    account_id: str,
    region_name: str,
    write: Callable[[Any], Any],
) -> Answer:
    """Carry out a call of ``operation`` and log it.

    :param labels: what stands in the labels of the request's path.
    :param query: its query string.
    :param body: its body.
    :param write: ``operation.to_json`` or ``operation.to_parsed``, called while the state can't change.
    """
    controls = current()
    rule_found = None
    message: str | None = None
    malformed: Violations | None = None
    try:
        try:
            try:
                arguments = operation.read(labels, query, body)
            except Violations as violations:
                malformed = violations
            if controls.faults and (fault := controls.take_fault(operation.name)) is not None:
                raise _injected(fault)
            if controls.rate_quotas and is_rate_limited(operation):
                respect_request_rate(controls, operation, account_id, region_name)
            if malformed is not None:
                raise malformed
            checked = operation.check(arguments)
            function, known = functions.get(operation.python_name) or _import_function(operation)
            if not checked.keys() <= known:
                raise _unknown_parameters(operation, checked.keys() - known)
            backend = cleanrooms_backends[account_id][region_name]
            caller = Caller(account_id, region_name, backend, backend.world, controls)
            with caller.world.lock:
                result = function(caller, **checked)
                result = operation.finish(result, arguments, f"{account_id} {region_name}")
                written = write(result)
            if (failure := caller.failure) is not None:
                message, rule_found = f"FAILED {failure.code}: {failure.message}", failure.rule
            answer = Answer(operation.status, written, None, None if rule_found is None else rule_found.id)
        except ForeignToken as violations:
            refuse_foreign_token(violations)
        except Violations as violations:
            refuse_broken_constraints(violations)
    except ServiceError as error:
        rule_found = rule_behind(error) or catalogue.get(error.rule or "")
        message = error.message
        status, members = protocol().write_error(error.code, vars(error))
        answer = Answer(status, members, error.code, None if rule_found is None else rule_found.id)
    except UnmodelledError as error:
        message = error.message
        answer = Answer(error.status, {"message": error.message}, error.code)
    code = answer.error or (str(answer.status) if answer.status >= 300 else None)
    log(Entry(operation, labels, query, body, account_id, region_name, answer.status, code, message, rule_found))
    return answer


def _import_function(operation: Operation) -> tuple[Callable[..., Any], frozenset[str]]:
    for module in MODULES:
        import_module(f"{__package__}.{module}")
        if operation.python_name in functions:
            return functions[operation.python_name]
    raise UnmodelledError(
        501,
        f"cleanrooms_mock doesn't implement {operation.python_name} yet. What it implements: {SITE}/coverage.html",
        "NotImplementedByCleanroomsMock",
    )


def _unknown_parameters(operation: Operation, names: Iterable[str]) -> UnmodelledError:
    return UnmodelledError(
        501,
        f"cleanrooms_mock doesn't know the parameter {', '.join(sorted(names))} of {operation.python_name}, which this version of botocore has. "
        "A newer cleanrooms-mock may.",
        "NotImplementedByCleanroomsMock",
    )


def _injected(fault: Fault) -> Exception:
    if isinstance(fault.error, int):
        return UnmodelledError(fault.error, fault.message or f"Status {fault.error}, injected by the test")
    return InjectedError(fault.error, fault.message or f"{fault.error}, injected by the test", fault.members)
