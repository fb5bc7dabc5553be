"""What a query reads and where its result is written: from the catalog, or from what the mock keeps itself, to moto's S3."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from cleanrooms_mock.analysis.output import results_can_be_stored, write
from cleanrooms_mock.analysis.refusals import Refusal, malformed
from cleanrooms_mock.cleanrooms.associations import ConfiguredTableAssociation
from cleanrooms_mock.cleanrooms.id_mapping_tables import IdMappingTable
from cleanrooms_mock.cleanrooms.intermediate_tables import IntermediateTable
from cleanrooms_mock.cleanrooms.table_references import kind_of, place_in_the_catalog
from cleanrooms_mock.integrations import glue, s3
from cleanrooms_mock.rules import DOCUMENTED, rule

if TYPE_CHECKING:
    import pyarrow as pa

    from cleanrooms_mock.analysis.check import Checked
    from cleanrooms_mock.analysis.sources import Source
    from cleanrooms_mock.analysis.tables import Table
    from cleanrooms_mock.cleanrooms.analysis_runs import AnalysisRun
    from cleanrooms_mock.cleanrooms.run_results import Delivery
    from cleanrooms_mock.cleanrooms.schemas import NamedResource

#: Names and contents of the objects of one delivery, below its folder.
Files = Sequence[tuple[str, bytes]]
#: Of rows to be kept the types of the columns, what each is made of, and the bytes of an Arrow file.
Kept = tuple[dict[str, str], dict[str, frozenset[tuple[str, str]]], bytes]

_is_column_name = re.compile(r"(?=.{1,127}\Z)[a-z0-9_](?:(?:[a-z0-9_ ]+-)*[a-z0-9_ ]+)?").fullmatch
_BUCKET = re.compile(r"s3[an]?://([^/]+)")


class Place(NamedTuple):
    """Where the data of a table are, noted while nothing can change.

    :ivar reference: a table of the catalog, with the account and the role that read it.
    :ivar kept: the bytes of an Arrow file, for rows that the mock keeps.
    :ivar is_athena: whether the table of the catalog is read with Athena.
    """

    table: Table
    reference: tuple[str, str, str, str] | None = None
    role_arn: str | None = None
    kept: bytes | None = None
    pairs: Sequence[tuple[str, str]] | None = None
    is_athena: bool = False


def places_of(tables: Iterable[Table], names: Mapping[str, NamedResource], *, strict: bool) -> list[Place]:
    """Return where the data of tables are.

    :param names: the resources behind them, by name.
    :raises Refusal: for one whose data nobody has here.
    """
    return [_place(table, names[table.name], strict=strict) for table in tables]


def _place(table: Table, resource: NamedResource, *, strict: bool) -> Place:
    if isinstance(resource, IdMappingTable):
        return Place(table, pairs=resource.rows)
    if isinstance(resource, IntermediateTable):
        version = resource.intermediate_table_version
        return Place(table, kept=None if version is None else version.rows)
    assert isinstance(resource, ConfiguredTableAssociation)
    configured = resource.table
    reference = configured.table_reference
    place = place_in_the_catalog(reference)
    if place is None:
        message = (
            f"Table {table.name} lies in {kind_of(reference).capitalize()}, of whose data cleanrooms_mock has none."
        )
        raise Refusal("INVALID_RESOURCE", message, table=table.name)
    account_id, region_name = configured.account_id, place["region"]
    if not strict and not glue.has_databases(account_id, region_name):
        # As TAB-2 has it: an account in which the test has made no catalog isn't asked for its tables, which are as good as empty then.
        return Place(table)
    where = (account_id, region_name, place["database_name"], place["table_name"])
    return Place(table, where, resource.role_arn, is_athena=kind_of(reference) == "athena")


@rule(
    "PQ-36",
    source="user guide: receive-query-results; code and moment are inferred",
    status=DOCUMENTED,
    answer="FAILED INVALID_RESOURCE",
)
def results_leave_the_tables_alone(places: Iterable[Place], deliveries: Iterable[Delivery]) -> None:
    """A result's bucket isn't one that a table of the query lies in."""
    buckets = {delivery.bucket for delivery in deliveries}
    for place in places:
        stored = None if place.reference is None else glue.find_stored_table(*place.reference)
        if stored is None:
            continue
        for storage in (stored.storage, *(storage for _, storage in stored.partitions)):
            found = _BUCKET.match(storage.location or "")
            if found is not None and found[1] in buckets:
                message = f"Results can't go to bucket {found[1]}, in which the data of table {place.table.name} are."
                raise Refusal("INVALID_RESOURCE", message, table=place.table.name)


def read(places: Iterable[Place], checked: Checked, folder: Path, *, partition: str, strict: bool) -> dict[str, Source]:
    """Bring the data of a query's tables into its folder.

    :param partition: the partition of the Region.
    :returns: a source for each table, by its name.
    :raises Refusal: for data that can't be read.
    """
    used = columns_read(checked)
    return {
        place.table.name: source_of(
            place, used.get(place.table.name, frozenset()), folder, partition=partition, strict=strict
        )
        for place in places
    }


def source_of(place: Place, used: frozenset[str], folder: Path, *, partition: str, strict: bool) -> Source:
    """Bring the data of one table into a folder, as :func:`read` does.

    :param used: the columns that are read.
    """
    import pyarrow as pa

    from cleanrooms_mock.analysis.catalog import CatalogPlace, glue_source
    from cleanrooms_mock.analysis.data_rules import nested_columns_are_for_custom
    from cleanrooms_mock.analysis.sources import Source, from_ipc, table_source

    table = place.table
    nested_columns_are_for_custom(table.name, table.columns, used, table.rule_type, is_athena=place.is_athena)
    if place.reference is not None:
        where = CatalogPlace(*place.reference, partition)
        return glue_source(table.name, where, table.columns, used, folder, role_arn=place.role_arn, strict=strict)
    if place.kept is not None:
        return table_source(_with_types(from_ipc(place.kept), table), folder, table.name)
    if place.pairs:
        sources, targets = zip(*place.pairs, strict=True)
        pairs = [pa.array(sources, pa.string()), pa.array(targets, pa.string())]
        return table_source(pa.table(dict(zip(table.columns, pairs, strict=True))), folder, table.name)
    return Source(columns=table.columns, files=[])


def _with_types(rows: pa.Table, table: Table) -> pa.Table:
    """Return rows with the types that the owner of an intermediate table has given its columns since (INT-20).

    :raises Refusal: if a value doesn't fit.
    """
    import pyarrow as pa

    from cleanrooms_mock.analysis.types import arrow_type, parse_type

    wanted = pa.schema([(name, arrow_type(parse_type(type_))) for name, type_ in table.columns.items()])
    try:
        return rows.cast(wanted)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        message = f"The rows of table {table.name} don't fit the types of its columns: {error}"
        raise Refusal("INVALID_RESOURCE", message, table=table.name) from error


def columns_read(checked: Checked) -> dict[str, frozenset[str]]:
    """Return the columns of each table that a query reads, those that only the tables' rules need among them, by the table's name."""
    resolution = checked.resolution
    found: dict[str, set[str]] = {table.name: _columns_of_rule(table) for table in checked.tables}
    bases = [base for reference in resolution.references.values() for base in reference.origins]
    bases += [base for query in resolution.queries for output in query.outputs for base in output.origins]
    for select in resolution.selects():
        for relation in select.relations:
            join = relation.join
            if join is None or not (join.args.get("using") or join.args.get("method") == "NATURAL"):
                continue
            # What USING and NATURAL compare has no place of its own in the text.
            named = {column.name.lower() for column in join.args.get("using") or ()}
            bases += [
                base
                for other in select.relations
                for output in other.columns
                if not named or output.name in named
                for base in output.origins
            ]
    for base in bases:
        found[base.table.name].add(base.column)
    return {name: frozenset(columns) for name, columns in found.items()}


def _columns_of_rule(table: Table) -> set[str]:
    policy: Mapping[str, Any] = table.policy
    private = policy.get("differential_privacy", {}).get("columns", ())
    thresholds = policy.get("aggregation_thresholds", ())
    return {
        *(constraint["column_name"] for constraint in policy.get("output_constraints", ())),
        *(column for threshold in thresholds for column in threshold["identity_columns"]),
        *(column["name"] for column in private),
    }


def kept_rows(checked: Checked, table: pa.Table) -> Kept:
    """Return what an intermediate table keeps of a result: its columns' types as Glue spells them, what they are made of, and the bytes of its rows.

    :raises Refusal: for columns that can't be a table's.
    """
    from cleanrooms_mock.analysis.sources import to_ipc
    from cleanrooms_mock.analysis.types import type_of_arrow

    names = [
        name.lower() if _is_column_name(name.lower()) else f"_col_{number}"
        for number, name in enumerate(table.column_names)
    ]
    for name in names:
        if names.count(name) > 1:
            raise malformed(f"The query gives two columns named {name}, and a table has one of a name.", column=name)
    origins = [
        frozenset((base.table.name, base.column) for base in output.origins)
        for output in checked.resolution.final.outputs
    ]
    types = [str(type_of_arrow(kind)) for kind in table.schema.types]
    return (
        dict(zip(names, types, strict=True)),
        dict(zip(names, origins, strict=True)),
        to_ipc(table.rename_columns(names)),
    )


def files_for(table: pa.Table, deliveries: Iterable[Delivery], run_id: str) -> list[tuple[Delivery, Files]]:
    """Write a result in the format of each delivery."""
    made: dict[tuple[str, bool], Files] = {}
    pairs = []
    for delivery in deliveries:
        key = delivery.result_format, delivery.single_file
        if key not in made:
            made[key] = list(write(table, delivery.result_format, single=delivery.single_file, analysis_id=run_id))
        pairs.append((delivery, made[key]))
    return pairs


def deliver(run: AnalysisRun, pairs: Iterable[tuple[Delivery, Files]], *, partition: str, strict: bool) -> None:
    """Put the files of a result into the buckets of those who receive it, or into none if one of them can't be written to.

    As MEM-12 has it, an account in which the test has made no bucket isn't asked for one: its result goes nowhere.

    :raises Refusal: if a bucket or a role isn't there, or the role may not write.
    """
    objects = [
        (delivery, {delivery.folder(run.id) + name: content for name, content in files})
        for delivery, files in pairs
        if strict
        or s3.has_buckets(partition, delivery.account_id)
        or s3.bucket_region(partition, delivery.bucket) is not None
    ]
    for delivery, contents in objects:
        results_can_be_stored(partition, delivery.bucket, contents, delivery.role_arn, strict=strict)
    for delivery, contents in objects:
        for key, content in contents.items():
            s3.put_object(partition, delivery.bucket, key, content)
