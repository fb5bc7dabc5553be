"""Which operations of the model are answered."""

from __future__ import annotations

import subprocess
import sys

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


EVERYTHING = """
from importlib import import_module
from pkgutil import walk_packages
import cleanrooms_mock
from cleanrooms_mock import rules
from cleanrooms_mock.cleanrooms.operations import functions

known = set(functions), set(rules.catalogue)
for module in walk_packages(cleanrooms_mock.__path__, "cleanrooms_mock."):
    if not module.name.endswith("__main__"):
        import_module(module.name)
assert known == (set(functions), set(rules.catalogue)), (set(functions) - known[0], set(rules.catalogue) - known[1])
"""


def test_no_module_is_forgotten() -> None:
    """Whoever asks for all operations, or all rules, gets those of every module of the package."""
    finished = subprocess.run([sys.executable, "-c", EVERYTHING], capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stderr


AS_CALLED = """
import sys
from cleanrooms_mock import mock_cleanrooms

def imported(name):
    return f"cleanrooms_mock.cleanrooms.{name}" in sys.modules

with mock_cleanrooms() as cleanrooms:
    client = cleanrooms.client()
    client.list_collaborations()
    assert not imported("configured_tables")
    client.list_configured_tables()
    assert imported("configured_tables") and not imported("log_exports")
    try:
        client.get_configured_table(configuredTableIdentifier="00000000-0000-4000-8000-000000000000")
    except client.exceptions.ResourceNotFoundException:
        assert cleanrooms.calls[-1].rule.id == "TAB-24"
"""


def test_modules_are_imported_as_they_are_called() -> None:
    """Whoever uses few operations waits for few modules, and finds the rules of those."""
    finished = subprocess.run([sys.executable, "-c", AS_CALLED], capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stderr
