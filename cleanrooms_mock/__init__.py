"""AWS Clean Rooms for tests, in the process that runs them.

.. code-block:: python

    from cleanrooms_mock import mock_cleanrooms

    with mock_cleanrooms() as cleanrooms:
        advertiser = cleanrooms.client(account_id="111111111111")
        publisher = cleanrooms.client(account_id="222222222222")
"""

from cleanrooms_mock.cleanrooms.controls import Call
from cleanrooms_mock.handle import Handle
from cleanrooms_mock.intercept import install
from cleanrooms_mock.mock import MockCleanRooms, mock_cleanrooms

install()

__all__ = ["Call", "Handle", "MockCleanRooms", "mock_cleanrooms"]
__version__ = "0.1.0"
