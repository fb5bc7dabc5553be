"""Every module that has operations; importing this one registers them all."""

from cleanrooms_mock.cleanrooms import (  # noqa: F401  for what they register
    analysis_rules,
    analysis_templates,
    association_rules,
    associations,
    audience_models,
    budgets,
    change_requests,
    collaborations,
    configured_tables,
    id_mapping_tables,
    id_namespaces,
    intermediate_table_rules,
    intermediate_table_versions,
    intermediate_tables,
    log_exports,
    members,
    memberships,
    privacy_budgets,
    protected_jobs,
    protected_queries,
    schemas,
    tags,
)
from cleanrooms_mock.cleanrooms.service import functions

__all__ = ["functions"]
