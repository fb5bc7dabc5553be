"""AWS Clean Rooms for tests, in the process that runs them.

.. code-block:: python

    from cleanrooms_mock import mock_cleanrooms

    with mock_cleanrooms() as cleanrooms:
        advertiser = cleanrooms.client(account_id="111111111111")
        publisher = cleanrooms.client(account_id="222222222222")

The first use of any name of this package puts the mock into moto and botocore, where it stays. Importing the package alone doesn't, since
pytest does that in every run for the plugin: who only uses ``moto.mock_aws`` calls :func:`install`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cleanrooms_mock.cleanrooms.controls import Call as Call
    from cleanrooms_mock.handle import Handle as Handle
    from cleanrooms_mock.intercept import install as install
    from cleanrooms_mock.mock import MockCleanRooms as MockCleanRooms
    from cleanrooms_mock.mock import mock_cleanrooms as mock_cleanrooms

__all__ = ["Call", "Handle", "MockCleanRooms", "install", "mock_cleanrooms"]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from cleanrooms_mock.compatibility import check_moto

    check_moto()
    from cleanrooms_mock import handle, intercept, mock
    from cleanrooms_mock.cleanrooms import controls

    intercept.install()
    globals().update(
        Call=controls.Call,
        Handle=handle.Handle,
        MockCleanRooms=mock.MockCleanRooms,
        install=intercept.install,
        mock_cleanrooms=mock.mock_cleanrooms,
    )
    return globals()[name]
