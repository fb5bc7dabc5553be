"""Which operations of the model are answered."""

from __future__ import annotations

import subprocess
import sys

from botocore import xform_name

from cleanrooms_mock.cleanrooms.operations import functions
from cleanrooms_mock.cleanrooms.service import protocol


def test_every_operation_is_answered() -> None:
    """Each operation of the model has a function, and no function is of another operation."""
    assert functions.keys() == {xform_name(name) for name in protocol().model.operation_names}


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
