"""Which operations of the model are answered."""

from __future__ import annotations

from botocore import xform_name

from cleanrooms_mock.cleanrooms.operations import functions
from cleanrooms_mock.cleanrooms.service import protocol

#: What runs analyses, and answers status 501 as yet.
NOT_YET = {
    "get_protected_job",
    "get_protected_query",
    "list_protected_jobs",
    "list_protected_queries",
    "start_protected_job",
    "start_protected_query",
    "update_protected_job",
    "update_protected_query",
}


def test_every_operation_is_answered_but_for_those_that_run_analyses() -> None:
    """An operation of the model has a function or is listed above, and no function is of another operation."""
    modelled = {xform_name(name) for name in protocol().model.operation_names}
    assert functions.keys() | NOT_YET == modelled
    assert not functions.keys() & NOT_YET
