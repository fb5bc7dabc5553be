"""How a query or job gets from its start to its end: at once, or by the steps that a test asks of moto's state manager."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from moto.moto_api import state_manager

from cleanrooms_mock.analysis.refusals import Refusal
from cleanrooms_mock.cleanrooms.analysis_runs import (
    CANCELLED,
    CANCELLING,
    FAILED,
    STARTED,
    SUBMITTED,
    SUCCESS,
    TIMED_OUT,
    AnalysisRun,
    Failure,
    Run,
    Status,
    is_not_over,
    runner_cancels,
    runs_of,
)
from cleanrooms_mock.cleanrooms.ids import now
from cleanrooms_mock.rules import DOCUMENTED, behaviour, rule_behind

if TYPE_CHECKING:
    from cleanrooms_mock.cleanrooms.memberships import Membership
    from cleanrooms_mock.cleanrooms.service import Caller
    from cleanrooms_mock.protocol import Listing

_log = logging.getLogger("cleanrooms_mock")

behaviour(
    "PQ-01",
    "A start answers at once with the status SUBMITTED, and refuses what is wrong with the request itself; whatever else is wrong makes the query or job "
    "FAILED. Here it has come to its end, on the caller's thread, by the time that the start answers. With a transition for `cleanrooms::protected_query` or "
    "`cleanrooms::protected_job` in moto's state manager it takes the step from SUBMITTED, and that from STARTED, when it is asked for; it runs in the latter.",
    source="API reference StartProtectedQuery",
    status=DOCUMENTED,
)
behaviour(
    "PQ-71",
    "More queries than an account may run at a time (QUO-16) wait in SUBMITTED, and go on when they are asked for and there is room. That they wait is inferred.",
    source="user guide: quotas",
    status=DOCUMENTED,
)


class Abandoned(Exception):
    """Nobody wants the outcome any more: the run was cancelled, or the mock was reset."""


@contextmanager
def without_lock(caller: Caller, run: AnalysisRun) -> Iterator[None]:
    """Let other calls through while something takes its time.

    :raises Abandoned: if nobody wants the outcome any more.
    """
    caller.world.lock.release()
    try:
        yield
    finally:
        caller.world.lock.acquire()
    if run.status == CANCELLING or _was_reset(caller):
        raise Abandoned


def _was_reset(caller: Caller) -> bool:
    return caller.backend.world is not caller.world


def start(caller: Caller, run: AnalysisRun) -> dict[str, Any]:
    """Begin a new run, take the steps that are due, and return the answer, which shows it before all of them."""
    run.membership.member.collaboration.runs[run.model].add(run.id, run)
    run.backend.ongoing[run.id] = run
    run.stepped = run.create_time
    answer = run.seen_by(run.membership)
    progress(caller, run)
    return answer


def asked_for(caller: Caller, membership: Membership, run: AnalysisRun) -> dict[str, Any]:
    """Take the steps that are due now that a run is asked for by its id, and return the answer."""
    run.looks += 1
    progress(caller, run)
    caller.failure = run.failure
    return run.seen_by(membership)


def listed(caller: Caller, membership: Membership, kind: type[Run], status: str | None) -> Listing[dict[str, Any]]:
    """Return the list of runs that the owner of a membership sees, all or those with a status."""
    runs = runs_of(membership, kind)
    for run in [run for _, run in runs.after(0) if not run.is_over]:
        progress(caller, run)
    if status is not None:
        runs = runs.where(lambda run: run.status == status)
    return runs.seen_as(lambda run: run.summary())


def cancel(caller: Caller, run: AnalysisRun, membership: Membership) -> dict[str, Any]:
    """Cancel a run, and return the answer."""
    runner_cancels(membership, run)
    is_not_over(run)
    if run.status != CANCELLING:
        run.status, run.looks, run.stepped = CANCELLING, 0, now()
    answer = run.seen_by(membership)
    progress(caller, run)
    return answer


def progress(caller: Caller, run: AnalysisRun) -> None:
    """Take the steps that are due: all that are left, one, or none."""
    while not run.is_over and not run.busy and is_due(run):
        run.looks, run.stepped = 0, now()
        if not _step(caller, run) or _transition(run)["progression"] != "immediate":
            return


class Stepping(Protocol):
    """What comes to its end by steps.

    :ivar model: its name for moto's state manager.
    :ivar looks: how often it was asked for since its last step.
    :ivar stepped: when it took its last step.
    """

    model: ClassVar[str]
    looks: int
    stepped: float


def _transition(run: Stepping) -> dict[str, Any]:
    transition: dict[str, Any] = state_manager.get_transition(run.model)
    return transition


def is_due(run: Stepping) -> bool:
    """Whether the next step is to be taken now, by what a test has told moto's state manager."""
    transition = _transition(run)
    if transition["progression"] == "manual":
        return run.looks >= int(transition["times"])
    if transition["progression"] == "time":
        return now() >= run.stepped + float(transition["seconds"])
    return True


def _step(caller: Caller, run: AnalysisRun) -> bool:
    """Take the next step, and return whether it was taken."""
    if run.status == CANCELLING:
        run.finish(CANCELLED)
        return True
    if run.status == SUBMITTED:
        return _has_room(caller, run) and _work(caller, run, run.validate, _has_started)
    latest_end = run.latest_end
    if latest_end is not None and now() >= latest_end:
        run.take_too_long()
        run.finish(FAILED if run.failure else TIMED_OUT)
        return True
    return _work(caller, run, run.execute, lambda run: SUCCESS)


def _has_room(caller: Caller, run: AnalysisRun) -> bool:
    running = sum(
        type(other) is type(run) and (other.status == STARTED or other.busy) for other in run.backend.ongoing.values()
    )
    return running < caller.controls.quotas.value(run.at_a_time, caller.region_name)


def _has_started(run: AnalysisRun) -> Status:
    run.start_time = now()
    return STARTED


def _work(
    caller: Caller, run: AnalysisRun, work: Callable[[Caller], None], then: Callable[[AnalysisRun], Status]
) -> bool:
    """Do ``work``, and let the run be what it comes to.

    :returns: False if the mock was reset meanwhile, and there is nothing left to be.
    """
    run.busy = True
    failure: Failure | None = None
    try:
        work(caller)
    except Abandoned:
        pass
    except Refusal as refusal:
        failure = Failure(refusal.code, refusal.message, rule_behind(refusal))
    except Exception as error:
        _log.exception("The %s %s failed by a mistake of cleanrooms_mock's own", run.noun, run.id)
        failure = Failure("INTERNAL_ERROR", f"A mistake of cleanrooms_mock's own: {type(error).__name__}: {error}")
    except BaseException:
        # Such as an interrupt of the test: the next one shall not find it at work for ever.
        run.busy = False
        if not _was_reset(caller):
            run.failure = Failure("INTERNAL_ERROR", "The mock was interrupted.")
            run.finish(FAILED)
        raise
    run.busy = False
    if _was_reset(caller):
        return False
    if run.status == CANCELLING:
        run.finish(CANCELLED)
        return True
    if failure is not None:
        run.failure = caller.failure = failure
        run.finish(FAILED)
        return True
    status = then(run)
    if status == SUCCESS:
        run.finish(SUCCESS)
    else:
        run.status = status
    return True


for _model in ("cleanrooms::protected_query", "cleanrooms::protected_job", "cleanrooms::analysis_log_export"):
    state_manager.register_default_transition(_model, {"progression": "immediate"})
