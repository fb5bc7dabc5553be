"""Which operations of the model are answered."""

from __future__ import annotations

from botocore import xform_name

from cleanrooms_mock.cleanrooms.operations import functions
from cleanrooms_mock.cleanrooms.service import protocol


def test_every_operation_is_answered() -> None:
    """Each operation of the model has a function, and no function is of another operation."""
    assert functions.keys() == {xform_name(name) for name in protocol().model.operation_names}
