"""Every module that has operations; importing this one registers them all."""

from cleanrooms_mock.cleanrooms import change_requests, collaborations, members, memberships, tags
from cleanrooms_mock.cleanrooms.service import functions

__all__ = ["change_requests", "collaborations", "functions", "members", "memberships", "tags"]
