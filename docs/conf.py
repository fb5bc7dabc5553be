"""Sphinx's settings, and the two pages that are generated from the code: the catalogue of rules and the coverage of operations."""

from __future__ import annotations

import ast
import inspect
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Any

import botocore
from botocore import xform_name

import cleanrooms_mock
from cleanrooms_mock import rules
from cleanrooms_mock.cleanrooms.operations import functions  # and with them all modules, whose rules are shown
from cleanrooms_mock.cleanrooms.service import protocol
from cleanrooms_mock.rules import INFERRED, Rule, Status, catalogue

if TYPE_CHECKING:
    from sphinx.application import Sphinx

project = "cleanrooms-mock"
author = "The cleanrooms-mock developers"
copyright = author
release = version = cleanrooms_mock.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc"]
exclude_patterns = ["_build", "generated"]
html_theme = "furo"
html_title = f"cleanrooms-mock {version}"
html_copy_source = False
myst_enable_extensions = ["colon_fence", "deflist", "fieldlist"]
myst_heading_anchors = 3
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"

GENERATED = Path(__file__).parent / "generated"

AREAS = {
    "ERR": "Errors, and what holds for every call",
    "COL": "Collaborations and their members",
    "MEM": "Memberships",
    "PAY": "Who pays",
    "CHG": "Change requests",
    "TAG": "Tags",
    "TAB": "Configured tables",
    "RULE": "Analysis rules of tables",
    "ASSOC": "Associations, and their analysis rules",
    "SCH": "Schemas",
    "TPL": "Analysis templates",
    "PRIV": "Privacy budgets",
    "IDN": "ID namespace associations",
    "IDM": "ID mapping tables",
    "AUD": "Configured audience model associations",
    "INT": "Intermediate tables, and their analysis rules",
    "LOG": "Analysis log exports",
    "PQ": "Protected queries",
    "PJ": "Protected jobs",
    "SQL": "What queries are written in",
    "AGG": "Queries of tables with an AGGREGATION rule",
    "LST": "Queries of tables with a LIST rule",
    "CUS": "Queries of tables with a CUSTOM rule, and which tables go together",
    "ENG": "Data, types and engines",
    "LIFE": "What everything under a membership shares",
    "QUO": "Quotas and request rates",
}
RULE_MODULES = ("cleanrooms_mock.cleanrooms.", "cleanrooms_mock.analysis.")


def setup(app: Sphinx) -> None:
    app.connect("builder-inited", generate)


def generate(app: Sphinx) -> None:
    GENERATED.mkdir(exist_ok=True)
    for name, lines in (("rules", rules_page()), ("coverage", coverage_page())):
        (GENERATED / f"{name}.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


# The catalogue of rules


def rules_page() -> Iterator[str]:
    counts = Counter(entry.status for entry in catalogue.values())
    statuses: tuple[Status, ...] = ("documented", "seen", "inferred")
    yield f"There are {len(catalogue)} rules: " + ", ".join(f"{counts[status]} {status}" for status in statuses) + "."
    if others := {rule_id for rule_id in catalogue if rule_id.split("-")[0] not in AREAS}:
        raise ValueError(f"no area for the rules {', '.join(sorted(others))}")
    guards = {entry.id: guard for guard, entry in _guards()}
    for prefix, title in AREAS.items():
        yield from ("", f"## {prefix}: {title}")
        entries = (entry for entry in catalogue.values() if entry.id.startswith(f"{prefix}-"))
        for entry in sorted(entries, key=lambda entry: int(entry.id.split("-")[1])):
            yield from _rule(entry, guards.get(entry.id))


def _rule(entry: Rule, guard: FunctionType | None) -> Iterator[str]:
    yield from ("", f"### {entry.id}", "", _prose(entry.text), "")
    if entry.answer is not None:
        yield f":Answer: {_code_of_names(entry.answer)}"
    yield f":Status: {entry.status}"
    yield f":Source: {_prose(entry.source)}"
    yield f":Code: `{entry.module}`" + (f", `{guard.__name__}`" if guard is not None else "")
    if entry.status == INFERRED and entry.answer is not None and guard is not None:
        yield from ("", *_caution(guard))


def _caution(guard: FunctionType) -> Iterator[str]:
    places = [f"`{module}.{guard.__name__}`" for module in _modules_that_call(guard)]
    returned = inspect.signature(guard).return_annotation
    listed = " and ".join(filter(None, (", ".join(places[:-1]), places[-1])))
    how = f"To [lift it out of a test](#lifting-out-a-rule), replace {listed}"
    if returned == "NoReturn":
        how += " by a function that raises another exception"
    elif returned != "None":
        how += " by a function that returns the same and refuses nothing"
    yield from (":::{caution}", f"Inferred: nobody has seen AWS refuse this. {how}.", ":::")


def _guards() -> Iterator[tuple[FunctionType, Rule]]:
    """Every function that is the place of a rule."""
    for module in _rule_modules():
        for guard in vars(module).values():
            if isinstance(guard, FunctionType) and guard.__module__ == module.__name__:
                entry = rules._by_code.get(guard.__code__)
                if entry is not None:
                    yield guard, entry


def _modules_that_call(guard: FunctionType) -> list[str]:
    """The modules in which the name is looked up at a call, which is where a replacement has to stand."""
    modules = [
        module.__name__
        for module in _rule_modules()
        if vars(module).get(guard.__name__) is guard and guard.__name__ in _names_in_functions(module)
    ]
    if not modules:
        raise ValueError(f"nothing calls {guard.__module__}.{guard.__name__}")
    return sorted(modules)


@cache
def _names_in_functions(module: ModuleType) -> set[str]:
    functions = (node for node in ast.walk(ast.parse(inspect.getsource(module))) if isinstance(node, ast.FunctionDef))
    return {
        node.id
        for function in functions
        for statement in function.body
        for node in ast.walk(statement)
        if isinstance(node, ast.Name)
    }


def _rule_modules() -> list[ModuleType]:
    return [module for name, module in sys.modules.items() if name.startswith(RULE_MODULES)]


def _prose(text: str) -> str:
    """Markdown of a rule's text: code stays, rules that are named become links, and nothing else is markup."""
    parts = text.split("`")
    parts[::2] = [
        re.sub(r"\b[A-Z]{2,5}-\d+\b", _link, re.sub(r"([\\*_<>\[\]|#~])", r"\\\1", part)) for part in parts[::2]
    ]
    return "`".join(parts)


def _link(found: re.Match[str]) -> str:
    return f"[{found[0]}](#{found[0].lower()})" if found[0] in catalogue else found[0]


def _code_of_names(answer: str) -> str:
    return re.sub(r"\b[A-Z]\w+", r"`\g<0>`", answer)


# The coverage of operations


def coverage_page() -> Iterator[str]:
    names = protocol().model.operation_names
    yield f"Of the {len(names)} operations in the service model of botocore {botocore.__version__}, {len(functions)} are answered."
    yield from ("", "| boto3 | API | answered by |", "|---|---|---|")
    for name in names:
        python_name = xform_name(name)
        answered = _answered(name, *functions[python_name]) if python_name in functions else "status 501"
        yield f"| `{python_name}` | {name} | {answered} |"


def _answered(name: str, function: Callable[..., Any], known: frozenset[str]) -> str:
    shape = protocol().model.operation_model(name).input_shape
    given = {xform_name(member) for member in ({} if shape is None else shape.members)}
    unknown = sorted(given - known - {"next_token", "max_results"})
    missing = f", but for {', '.join(f'`{parameter}`' for parameter in unknown)}" if unknown else ""
    return f"`{function.__module__}`{missing}"
