"""The tables that a query can name, with the rules that hold for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

TableKind = Literal["TABLE", "ID_MAPPING_TABLE", "INTERMEDIATE_TABLE"]
RuleType = Literal["AGGREGATION", "LIST", "CUSTOM", "ID_MAPPING_TABLE"]


class Reason(NamedTuple):
    """Why a table isn't ready for direct analysis: a code of ``SchemaStatusReasonCode``, and a sentence."""

    code: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Table:
    """A table of a collaboration as a query meets it.

    :ivar name: what queries call it, in lower case.
    :ivar kind: TABLE for a configured table's association.
    :ivar owner: the account that owns it.
    :ivar owner_name: the owner's display name.
    :ivar columns: the type of each column that queries may name, as the Glue Data Catalog spells it, by name in lower case, partition keys last.
    :ivar rule_type: the type of its analysis rule, ``None`` if it has none.
    :ivar policy: the inner part of that rule's policy, such as ``policy["v1"]["custom"]``, with members in snake_case.
    :ivar association_policy: the same of the association's rule, ``None`` if there is none.
    :ivar methods: the analyses that its configuration has chosen, of DIRECT_QUERY and DIRECT_JOB.
    :ivar not_ready: why direct analysis isn't possible, empty if it is.
    :ivar configured_table: what says that two names are one configured table, since an account may associate it twice.
    :ivar sides: of an ID mapping table, the account that each of its columns belongs to, by the column's name.
    """

    name: str
    owner: str
    columns: Mapping[str, str]
    kind: TableKind = "TABLE"
    owner_name: str = ""
    rule_type: RuleType | None = None
    policy: Mapping[str, Any] = field(default_factory=dict)
    association_policy: Mapping[str, Any] | None = None
    methods: frozenset[str] = frozenset({"DIRECT_QUERY"})
    not_ready: Sequence[Reason] = ()
    configured_table: str | None = None
    sides: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_id_mapping(self) -> bool:
        """Whether it is an ID mapping table, which counts as nobody's."""
        return self.kind == "ID_MAPPING_TABLE"

    def __repr__(self) -> str:
        return f"<{self.kind} {self.name} of {self.owner}>"


@dataclass(frozen=True, slots=True)
class Template:
    """The analysis template that a query or job runs.

    :ivar creator: the account that made it.
    """

    arn: str
    creator: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A query as it is asked.

    :ivar text: its SQL; of a template, the template's text.
    :ivar runner: the account that asks.
    :ivar receivers: the accounts that get the result.
    :ivar template: the template whose text it is, ``None`` if the runner wrote the text.
    :ivar parameters: of a template, the type and the value of each parameter by its name, as ``ParameterType`` names the type.
    """

    text: str
    runner: str
    receivers: Sequence[str]
    template: Template | None = None
    parameters: Mapping[str, tuple[str, str]] = field(default_factory=dict)
