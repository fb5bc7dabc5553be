"""What a test has chosen for running queries: the engine, its limits, and the noise of differential privacy."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

from moto.moto_api._internal import mock_random

from cleanrooms_mock.analysis.refusals import Refusal

if TYPE_CHECKING:
    from cleanrooms_mock.analysis.engines import Engine, Limits
    from cleanrooms_mock.cleanrooms.controls import Controls


def extra_is_installed(controls: Controls) -> None:
    """Refuse to run a query without what its engine needs; the message says how to install it.

    :raises Refusal: if it isn't there.
    """
    from cleanrooms_mock.analysis.extras import extra_of, needs

    try:
        needs(extra_of(controls.engine))
    except ModuleNotFoundError as error:
        raise Refusal("INSUFFICIENT_COMPUTE", str(error)) from error


def engine_of(controls: Controls) -> Engine:
    """Return the engine that runs queries."""
    from cleanrooms_mock.analysis.engines import engine

    return engine(controls.engine)


def limits_of(controls: Controls) -> Limits:
    """Return what one query may use."""
    from cleanrooms_mock.analysis.engines import Limits

    return Limits(**controls.query_limits)  # type: ignore[arg-type]  # the options have been checked


def noise_of(controls: Controls) -> Random:
    """Return where the noise of the next query comes from: one generator for the whole mock if the test has given a seed, else moto's."""
    if controls.privacy_seed is None:
        return Random(mock_random.getrandbits(64))  # noqa: S311  a mock keeps no secret
    with controls.lock:
        if controls.noise is None:
            controls.noise = Random(controls.privacy_seed)  # noqa: S311
        return Random(controls.noise.getrandbits(64))  # noqa: S311
