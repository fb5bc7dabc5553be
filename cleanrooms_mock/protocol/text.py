"""From domain objects to the JSON of an answer: an output shape as source that puts the text together.

The text is what a JSON encoder would make of what :mod:`writing` makes for ``JSON``, to the last character, without the dicts that would only
be read once. A structure becomes a function such as this, made when the first value of its kind is written::

    def text_of_Book_from_Novel(value):
        item = value.title
        part0 = quote(item)
        item = value.authors
        part1 = '' if item is None else ',"authors":' + '[' + ','.join([text_of_Author[type(item)](item) for item in item]) + ']'
        return f'{{"title":{part0}{part1}}}'

Where no member is required, each part begins with a comma, and the first is cut off.
"""

from __future__ import annotations

import base64
import json
import linecache
import re
from collections.abc import Callable
from functools import lru_cache
from keyword import iskeyword
from typing import Any

from botocore import xform_name

Text = Callable[[Any], str]

_encode = json.JSONEncoder(separators=(",", ":")).encode
_SCALARS = {
    "string": "quote(item)",
    "boolean": "('true' if item else 'false')",
    "integer": "repr(item)",
    "long": "repr(item)",
    "timestamp": "time(item)",
    "double": "encode(float(item))",
    "float": "encode(float(item))",
    "blob": "quote(base64(item))",
}
#: The patterns of ids and ARNs, in which as in the words of an enum there is nothing to escape. Names are escaped whatever their patterns say, since
#: a column's may come from a query.
_PLAIN = re.compile(r"(?:\\d|\[0-9a-f\]|arn:)(?:[\w :/,{}()|?+*-]|\\[dw/]|\[(?:[\w/-]|\\[dw])+\])*", re.ASCII)


class _ByKind(dict[type, Text]):
    """What writes a structure, by the classes of the values that were met so far.

    :param make: makes the function for a value's class.
    """

    def __init__(self, make: Callable[[Any], Text]) -> None:
        self._make = make

    def __missing__(self, kind: type) -> Text:
        def write_first(value: Any) -> str:
            # Threads that get here at the same time make the same.
            function = self[kind] = self._make(value)
            return function(value)

        return write_first


class TextCompiler:
    """Compiles output shapes; values are what :class:`writing.OutputCompiler` takes, with the same left out.

    But what the model requires and the first value of a kind has is taken to be in every value of that kind.
    """

    def __init__(self) -> None:
        # The globals of all that is compiled.
        self._names: dict[str, Any] = {
            "quote": json.encoder.encode_basestring_ascii,
            "encode": _encode,
            # An object's times are read more often than they change.
            "time": lru_cache(maxsize=256, typed=True)(repr),
            "base64": lambda value: base64.b64encode(value).decode("ascii"),
        }

    def compile(self, shape: Any) -> Text:
        """Return what writes ``shape``, a structure."""
        by_kind = self._by_kind(shape)
        return lambda value: by_kind[type(value)](value)

    def compile_answer(self, shape: Any) -> Text:
        """Return what writes ``shape``, the structure of an answer, from the value of its one member if it has no more."""
        if len(shape.members) > 1:
            return self.compile(shape)
        ((name, member),) = shape.members.items()
        start = f"{{{json.dumps(member.serialization.get('name', name))}:"
        text = f"{start!r} + {self._expression(member)} + '}}'"
        return self._function(f"text_of_answer_{shape.name}", "item", [f"return '{{}}' if item is None else {text}"])

    def _by_kind(self, shape: Any) -> _ByKind:
        name = f"text_of_{shape.name}"
        if name not in self._names:
            self._names[name] = _ByKind(
                lambda value: self._function(f"{name}_from_{type(value).__name__}", "value", self._source(shape, value))
            )
        by_kind: _ByKind = self._names[name]
        return by_kind

    def _source(self, shape: Any, value: Any) -> list[str]:
        """The body of the function that writes ``shape`` from such as ``value``."""
        lines: list[str] = []
        parts: list[str] = []
        for name, member in shape.members.items():
            attribute = xform_name(name)
            if type(value) is dict:
                found, item = value.get(attribute), f"value.get({attribute!r})"
                if found is not None and name in shape.required_members:
                    item = f"value[{attribute!r}]"
            elif hasattr(value, attribute):
                found = getattr(value, attribute)
                item = f"getattr(value, {attribute!r})" if iskeyword(attribute) else f"value.{attribute}"
            else:
                continue
            key = f"{json.dumps(member.serialization.get('name', name))}:"
            part = f"part{len(parts)}"
            lines.append(f"item = {item}")
            if found is not None and name in shape.required_members:
                lines.append(f"{part} = {self._expression(member)}")
                parts.append(f"{',' if parts else ''}{key}{{{part}}}")
            else:
                lines.append(f"{part} = '' if item is None else {',' + key!r} + {self._expression(member)}")
                parts.append(f"{{{part}}}")
        text = "".join(parts)
        if text.startswith('"'):
            return [*lines, f"return f'{{{{{text}}}}}'"]
        return [*lines, f"text = f'{text}'", "return '{' + text[1:] + '}'"]

    def _expression(self, shape: Any) -> str:
        """The expression of the text of ``item``, a value of ``shape``."""
        if shape.type_name == "list":
            return f"'[' + ','.join([{self._expression(shape.member)} for item in item]) + ']'"
        if shape.type_name == "map":
            value = self._expression(shape.value)
            return f"'{{' + ','.join([quote(key) + ':' + {value} for key, item in item.items()]) + '}}'"
        if shape.type_name == "structure" and not shape.is_document_type:
            self._by_kind(shape)
            return f"text_of_{shape.name}[type(item)](item)"
        if shape.metadata.get("enum") or _PLAIN.fullmatch(shape.metadata.get("pattern", "")):
            return """'"' + item + '"'"""
        return "encode(item)" if shape.type_name == "structure" else _SCALARS[shape.type_name]

    def _function(self, name: str, parameter: str, body: list[str]) -> Text:
        lines = [f"def {name}({parameter}):\n", *(f"    {line}\n" for line in body)]
        file_name = f"<{name}>"
        exec(compile("".join(lines), file_name, "exec"), self._names)  # noqa: S102  of names in the model alone
        # A traceback or a debugger shows the lines, as it does any other function's.
        linecache.cache[file_name] = (0, None, lines, file_name)
        function: Text = self._names[name]
        return function
