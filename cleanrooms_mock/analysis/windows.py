"""The windows of functions."""

from __future__ import annotations

from typing import NoReturn

from sqlglot import exp

from cleanrooms_mock.analysis.functions import AGGREGATES, WINDOW_FUNCTIONS
from cleanrooms_mock.analysis.refusals import malformed
from cleanrooms_mock.rules import DOCUMENTED, rule


@rule("SQL-39", source="SQL reference: window functions", status=DOCUMENTED, answer="FAILED MALFORMED_QUERY")
def window_is_supported(complaint: str, at: exp.Expr) -> NoReturn:
    """An aggregate whose window has an ORDER BY needs a frame. A frame is one of ROWS. A string literal is no key of PARTITION BY or ORDER BY."""
    raise malformed(complaint, at)


def check_window(window: exp.Window) -> bool:
    """Refuse a window that isn't supported; what stands in it is for others to look at."""
    args = window.args
    keys = [*(args.get("partition_by") or ())]
    order, spec = args.get("order"), args.get("spec")
    if order is not None:
        keys.extend(ordered.this for ordered in order.expressions)
    for key in keys:
        if isinstance(key, exp.Literal) and key.is_string:
            window_is_supported("A string literal is no key of PARTITION BY or ORDER BY in a window", key)
    if spec is not None and spec.args.get("kind") not in (None, "ROWS"):
        window_is_supported("The frame of a window is one of ROWS", window)
    if order is not None and spec is None and window.this is not None:
        function = window.this
        while isinstance(function, exp.IgnoreNulls | exp.RespectNulls):
            function = function.this
        name = function.meta.get("function")
        if name in AGGREGATES - WINDOW_FUNCTIONS - {"FIRST", "LAST"}:
            window_is_supported(
                f"{name} over a window with ORDER BY needs a frame, such as ROWS UNBOUNDED PRECEDING", window
            )
    return False
