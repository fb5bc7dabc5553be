"""Privacy budget templates: what members allow to be learned from their tables, or how often they may be used."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from cleanrooms_mock.analysis.noise import Aggregation, refuse_exhausted_budget
from cleanrooms_mock.cleanrooms.backend import CleanRoomsBackend
from cleanrooms_mock.cleanrooms.budgets import (
    MEMBERS,
    AccessBudget,
    DifferentialPrivacyBudget,
    PrivacyBudgetType,
    access_budget,
    budgets_of,
    check_budget_parameters,
    differential_privacy_budget,
)
from cleanrooms_mock.cleanrooms.errors import ResourceNotFoundException, invalid_configuration
from cleanrooms_mock.cleanrooms.ids import new_id, now
from cleanrooms_mock.cleanrooms.quotas import ACCESS_BUDGET_TEMPLATES
from cleanrooms_mock.cleanrooms.resources import (
    Kind,
    R,
    Resource,
    active_membership,
    already_exists,
    answer_for,
    identity,
    invalid_state,
    keep,
    own_resource_to_change,
    own_resources,
    resources_of,
    shared_resources,
    withdraw,
)
from cleanrooms_mock.cleanrooms.service import Caller, operation
from cleanrooms_mock.cleanrooms.tags import check_tags
from cleanrooms_mock.protocol import Listing
from cleanrooms_mock.rules import DOCUMENTED, INFERRED, behaviour, rule

if TYPE_CHECKING:
    from cleanrooms_mock.cleanrooms.collaborations import Collaboration
    from cleanrooms_mock.cleanrooms.memberships import Membership

Parameters = dict[str, Any]

behaviour(
    "PRIV-22",
    "A template's ARN is its membership's followed by `/privacybudgettemplate/` and its id, for which the model's pattern leaves no room.",
    source="service authorization reference",
    status=DOCUMENTED,
)


@dataclass(slots=True, eq=False, kw_only=True)
class PrivacyBudgetTemplate(Resource):
    """A privacy budget template and the budget that it gives.

    :ivar backend: the state of its owner, which it leaves with its table.
    :ivar budget_id: the id that the budget goes by.
    :ivar table: what an access budget is for, an association or an intermediate table.
    """

    kind: ClassVar[Kind] = Kind("privacybudgettemplate", "privacy budget template")

    backend: CleanRoomsBackend
    privacy_budget_type: PrivacyBudgetType
    auto_refresh: str
    parameters: Parameters
    budget_id: str
    budget: AccessBudget | DifferentialPrivacyBudget
    table: Resource | None

    def affords(self, aggregations: Collection[Aggregation] = ()) -> bool:
        """Tell whether the budget has enough for an analysis.

        :param aggregations: what it computes over tables with differential privacy, each as often as it does.
        """
        self.budget.renew(now())
        return self.budget.affords(aggregations)

    def take(self, aggregations: Collection[Aggregation] = ()) -> bool:
        """Use some of the budget for an analysis, and return whether there was enough; if not, nothing is used.

        :param aggregations: as in :meth:`affords`.
        """
        if not self.affords(aggregations):
            return False
        self.budget.take(aggregations, now())
        return True

    def lose_base(self, gone: Resource, time: float) -> None:
        """Go with the table that an access budget is for, if it was deleted and not only taken out of sight with its member."""
        if gone is self.table and gone.id not in self.membership.resources[gone.kind.path]:
            resources_of(self.membership, PrivacyBudgetTemplate).discard(self.id)
            self.backend.drop(self)
            withdraw(self, time)


answer_for(
    PrivacyBudgetTemplate, "privacy_budget_template", "get", "list", "delete", "get_collaboration", "list_collaboration"
)


def differential_privacy_template(membership: Membership) -> PrivacyBudgetTemplate | None:
    """Return the template that lets tables of a membership be queried with differential privacy."""
    return _template(membership, lambda template: template.privacy_budget_type == "DIFFERENTIAL_PRIVACY")


def differential_privacy_owners(collaboration: Collaboration) -> list[Membership]:
    """Return the memberships of a collaboration that have a budget for differential privacy, in the order in which they got it."""
    templates = resources_of(collaboration, PrivacyBudgetTemplate)
    return [template.membership for template in templates if template.privacy_budget_type == "DIFFERENTIAL_PRIVACY"]


def access_budget_template(table: Resource) -> PrivacyBudgetTemplate | None:
    """Return the template that limits the use of an association or intermediate table; without one it is unlimited."""
    return _template(table.membership, lambda template: template.table is table)


def _template(membership: Membership, wanted: Callable[[PrivacyBudgetTemplate], bool]) -> PrivacyBudgetTemplate | None:
    return next(filter(wanted, resources_of(membership, PrivacyBudgetTemplate)), None)


def privacy_is_left(membership: Membership, aggregations: Collection[Aggregation]) -> PrivacyBudgetTemplate:
    """Refuse an analysis for which too little is left of the differential privacy budget of a member, whose tables are ready and so have one.

    :param aggregations: what it computes over the member's tables, each as often as it does.
    :raises Refusal: if there is too little (CUS-73).
    """
    template = differential_privacy_template(membership)
    if template is None or not template.affords(aggregations):
        refuse_exhausted_budget(membership.member.display_name)
    return template


def take_privacy(membership: Membership, aggregations: Collection[Aggregation]) -> int:
    """Use some of a member's differential privacy budget.

    :returns: the usersNoisePerQuery with which the analysis runs.
    :raises Refusal: as :func:`privacy_is_left`; then nothing is used.
    """
    template = privacy_is_left(membership, aggregations)
    template.take(aggregations)
    return int(template.parameters[MEMBERS["DIFFERENTIAL_PRIVACY"]]["users_noise_per_query"])


def take_access(tables: Collection[R]) -> R | None:
    """Use the access budget of each of these tables once, unless one of them has none left: then nothing is used, and that one returned."""
    budgeted = [(table, template) for table in tables if (template := access_budget_template(table)) is not None]
    for table, template in budgeted:
        if not template.affords():
            return table
    for template in dict.fromkeys(template for _, template in budgeted):
        template.take()
    return None


behaviour(
    "PRIV-8",
    "A differential privacy template needs no table, nor an analysis rule with differential privacy: it may come before them.",
    source="user guide: differential privacy",
    status=DOCUMENTED,
)


@operation
def create_privacy_budget_template(
    caller: Caller,
    *,
    membership_identifier: str,
    privacy_budget_type: PrivacyBudgetType,
    parameters: Parameters,
    auto_refresh: str | None = None,
    tags: dict[str, str] | None = None,
) -> PrivacyBudgetTemplate:
    membership = active_membership(caller, membership_identifier)
    if privacy_budget_type == "DIFFERENTIAL_PRIVACY":
        one_differential_privacy_template(membership)
    parameters_fit_the_type(parameters, privacy_budget_type)
    given = parameters[MEMBERS[privacy_budget_type]]
    table = None
    if privacy_budget_type == "ACCESS_BUDGET":
        table = budgeted_table(membership, given["resource_arn"])
        check_budget_parameters(given["budget_parameters"])
    tags = check_tags(tags)
    refresh_fits_the_type(auto_refresh, privacy_budget_type)
    if table is not None:
        one_access_budget_per_table(table)
        access_budgets_within_quota(caller, membership)

    common = identity(membership, PrivacyBudgetTemplate.kind)
    time, refresh = common["create_time"], auto_refresh or "NONE"
    template = PrivacyBudgetTemplate(
        **common,
        tags=tags,
        backend=caller.backend,
        privacy_budget_type=privacy_budget_type,
        auto_refresh=refresh,
        parameters=parameters,
        budget_id=new_id(),
        budget=differential_privacy_budget(given, refresh, time)
        if table is None
        else access_budget(table.arn, given["budget_parameters"], time),
        table=table,
    )
    keep(caller, template)
    return template


@rule(
    "PRIV-2",
    source="inferred: the API reference says one per collaboration, the user guide that each owner of such tables needs one",
    status=INFERRED,
    answer="ConflictException ALREADY_EXISTS",
)
def one_differential_privacy_template(membership: Membership) -> None:
    """A membership has at most one DIFFERENTIAL_PRIVACY template."""
    template = differential_privacy_template(membership)
    if template is not None:
        raise already_exists(
            template, f"Membership {membership.id} has a differential privacy template: {template.id}."
        )


@rule(
    "PRIV-1",
    source="inferred from the service model",
    status=INFERRED,
    answer="ValidationException INVALID_CONFIGURATION",
)
def parameters_fit_the_type(parameters: Parameters, privacy_budget_type: PrivacyBudgetType) -> None:
    """Any ACTIVE member has privacy budget templates, for its own membership. Their parameters are those of their privacyBudgetType, at creation and
    in an update.
    """
    if MEMBERS[privacy_budget_type] not in parameters:
        raise invalid_configuration("parameters", f"these aren't the parameters of {privacy_budget_type}")


@rule(
    "PRIV-4",
    source="service model: BudgetedResourceArn; the exception is inferred",
    status=DOCUMENTED,
    answer="ResourceNotFoundException",
)
def budgeted_table(membership: Membership, resource_arn: str) -> Resource:
    """An access budget is for an association or an intermediate table of the same membership; anything else isn't found, as a
    CONFIGURED_TABLE_ASSOCIATION with the ARN that was given.
    """
    path, resource_id = resource_arn.split("/")[-2:]
    table: Resource | None = membership.resources[path].get(resource_id)
    if table is None or table.arn != resource_arn:
        raise ResourceNotFoundException(
            "CONFIGURED_TABLE_ASSOCIATION", resource_arn, f"Membership {membership.id} has no table {resource_arn}."
        )
    return table


@rule(
    "PRIV-3",
    source="inferred: API reference from before access budgets, and answers, where it is required",
    status=INFERRED,
    answer="ValidationException INVALID_CONFIGURATION",
)
def refresh_fits_the_type(auto_refresh: str | None, privacy_budget_type: PrivacyBudgetType) -> None:
    """A DIFFERENTIAL_PRIVACY template says CALENDAR_MONTH or NONE for autoRefresh. An ACCESS_BUDGET template says nothing or NONE, and answers NONE:
    its periods say for themselves whether they are refreshed.
    """
    if privacy_budget_type == "DIFFERENTIAL_PRIVACY":
        if auto_refresh is None:
            raise invalid_configuration("autoRefresh", "a differential privacy template needs CALENDAR_MONTH or NONE")
    elif auto_refresh not in (None, "NONE"):
        raise invalid_configuration(
            "autoRefresh", "an access budget is refreshed by its budgetParameters, so this can only be NONE"
        )


@rule(
    "PRIV-5",
    source="inferred: user guide: data access budget, which is one for a table",
    status=INFERRED,
    answer="ConflictException ALREADY_EXISTS",
)
def one_access_budget_per_table(table: Resource) -> None:
    """A table has at most one ACCESS_BUDGET template; a membership has as many as it has tables, within the quota (QUO-12)."""
    template = access_budget_template(table)
    if template is not None:
        raise already_exists(table, f"The {table.kind.noun} {table.id} has an access budget: template {template.id}.")


def access_budgets_within_quota(caller: Caller, membership: Membership) -> None:
    """Refuse one more access budget than the quota allows in the collaboration (QUO-12)."""
    templates = resources_of(membership.member.collaboration, PrivacyBudgetTemplate)
    count = sum(template.privacy_budget_type == "ACCESS_BUDGET" for template in templates)
    caller.controls.quotas.check(ACCESS_BUDGET_TEMPLATES, count)


behaviour(
    "PRIV-12",
    "Updating an ACCESS_BUDGET template replaces its budgetParameters as a whole and starts afresh: all of the new budgets remain.",
    source="user guide: edit-access-budget",
    status=DOCUMENTED,
)


@operation
def update_privacy_budget_template(
    caller: Caller,
    *,
    membership_identifier: str,
    privacy_budget_template_identifier: str,
    privacy_budget_type: PrivacyBudgetType,
    parameters: Parameters | None = None,
) -> PrivacyBudgetTemplate:
    template = own_resource_to_change(
        caller, membership_identifier, PrivacyBudgetTemplate, privacy_budget_template_identifier
    )
    type_stays(template, privacy_budget_type)
    if parameters is None:
        return template
    parameters_fit_the_type(parameters, privacy_budget_type)
    member = MEMBERS[privacy_budget_type]
    given, old = parameters[member], template.parameters[member]
    new, time, budget = {**old, **given}, now(), template.budget
    if isinstance(budget, DifferentialPrivacyBudget):
        budget.renew(time)
        used_epsilon_does_not_fall(template, budget, new["epsilon"])
        if new == old:
            return template
        budget.epsilon, budget.users_noise_per_query = new["epsilon"], new["users_noise_per_query"]
        budget.update_time = time
    else:
        check_budget_parameters(new["budget_parameters"])
        template.budget = access_budget(budget.resource_arn, new["budget_parameters"], time)
    template.parameters = {member: new}
    template.update_time = time
    return template


@rule("PRIV-9", source="inferred", status=INFERRED, answer="ValidationException INVALID_CONFIGURATION")
def type_stays(template: PrivacyBudgetTemplate, privacy_budget_type: PrivacyBudgetType) -> None:
    """An update names the template's own privacyBudgetType. Without parameters it changes nothing, updateTime included."""
    if privacy_budget_type != template.privacy_budget_type:
        raise invalid_configuration("privacyBudgetType", f"template {template.id} is of {template.privacy_budget_type}")


@rule(
    "PRIV-10",
    source="user guide: edit differential privacy policy; the exception is inferred",
    status=DOCUMENTED,
    answer="ConflictException INVALID_STATE",
)
def used_epsilon_does_not_fall(
    template: PrivacyBudgetTemplate, budget: DifferentialPrivacyBudget, epsilon: int
) -> None:
    """Of a DIFFERENTIAL_PRIVACY template epsilon and usersNoisePerQuery change each alone, the noise freely, epsilon upwards. It falls only as long as
    no query has ever used some of the budget. autoRefresh never changes.
    """
    if budget.was_used and epsilon < budget.epsilon:
        raise invalid_state(
            template,
            f"Queries have used the budget of template {template.id}, so its epsilon of {budget.epsilon} can't fall to {epsilon}.",
        )


behaviour(
    "PRIV-14",
    "A template that doesn't exist, or is another membership's, isn't found, as a MEMBERSHIP with the id that was asked for; one that isn't in the "
    "collaboration isn't found there, as a COLLABORATION: see LIFE-24.",
    source="inferred: the service model's four types, see ERR-11",
    status=INFERRED,
)
behaviour(
    "PRIV-13",
    "Deleting a template is never refused. Tables with differential privacy are no longer READY without one, and a table without an access budget is "
    "used without limit; a new template starts with a whole budget.",
    source="inferred: DeletePrivacyBudgetTemplate models no conflict",
    status=INFERRED,
)


behaviour(
    "PRIV-15",
    "ListPrivacyBudgets lists the budgets of one type, one for each template of the membership, with an id of its own. accessBudgetResourceArn narrows "
    "access budgets to those of one table, and is ignored for differential privacy, which is inferred. ListCollaborationPrivacyBudgets lists all members' to "
    "every ACTIVE member.",
    source="API reference ListPrivacyBudgets, ListCollaborationPrivacyBudgets",
    status=DOCUMENTED,
)


@operation
def list_privacy_budgets(
    caller: Caller,
    *,
    membership_identifier: str,
    privacy_budget_type: PrivacyBudgetType,
    access_budget_resource_arn: str | None = None,
) -> Listing[dict[str, Any]]:
    templates = own_resources(caller, membership_identifier, PrivacyBudgetTemplate)
    return budgets_of(templates, privacy_budget_type, access_budget_resource_arn)


@operation
def list_collaboration_privacy_budgets(
    caller: Caller,
    *,
    collaboration_identifier: str,
    privacy_budget_type: PrivacyBudgetType,
    access_budget_resource_arn: str | None = None,
) -> Listing[dict[str, Any]]:
    templates = shared_resources(caller, collaboration_identifier, PrivacyBudgetTemplate)
    return budgets_of(templates, privacy_budget_type, access_budget_resource_arn)
