"""What docs/swordfish.md says of classes of service is what the table of the plugin does, and nothing is left out."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

from isthmus.core.profiles.requirement import compiled
from isthmus.plugins.swordfish.classes.class_mapping import KINDS, LINES, SCHEMAS, line_meant

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "swordfish.md").read_text()
ROW = re.compile(r"^\| `([\w.]+)` \|(.*)\|$", re.MULTILINE)
OLDER = {"recoveryGeographicObject", "recoveryPointObjective"}


def rows() -> dict[str, list[str]]:
    """The cells of the tables' rows that begin with a property of profiles."""
    return {path: [cell.strip() for cell in rest.split("|")] for path, rest in ROW.findall(PAGE)}


def leaves(schema: Mapping[str, Any], whole: Mapping[str, Any], path: str = "") -> Iterator[str]:
    """Every property that a profile's document can have, by its dotted name."""
    while "$ref" in schema:
        schema = whole["$defs"][schema["$ref"].rpartition("/")[2]]
    if "properties" not in schema or path == "customProperties":
        yield path
        return
    for name, inner in schema["properties"].items():
        yield from leaves(inner, whole, f"{path}.{name}" if path else name)


def test_every_property_of_the_table_is_in_the_document() -> None:
    documented = {path: (cells[0].strip("`"), cells[1]) for path, cells in rows().items() if len(cells) == 3}
    mapped = {".".join(one.path): (line.id, one.name) for line in LINES for one in line.fields}
    assert set(documented) == set(mapped)
    for path, (line, name) in mapped.items():
        assert documented[path][0] == line and documented[path][1].startswith(f"`{name}`"), path


def test_every_property_of_a_profile_is_in_one_of_the_tables() -> None:
    whole = json.loads(files("isthmus.core.profiles").joinpath("schema.json").read_text())
    known = set(rows())
    for path in leaves(whole, whole):
        stems = {path, path.rpartition(".")[0]}
        assert stems & known or path.rpartition(".")[2] in OLDER, path


def test_what_the_table_calls_enforced_the_core_does_not_call_unenforced() -> None:
    enforced = {path: cells[2] for path, cells in rows().items() if len(cells) == 3}
    one: dict[str, Any] = {
        "DataStorageLinesOfService": {"ProvisioningPolicy": "Thin", "IsSpaceEfficient": True},
        "IOConnectivityLinesOfService": {"AccessProtocols": ["iSCSI"], "MaxIOPS": 1, "MaxBytesPerSecond": 125_000},
        "IOPerformanceLinesOfService": {"AverageIOOperationLatencyMicroseconds": 1000},
        "DataProtectionLinesOfService": {"ReplicaType": "Mirror", "IsIsolated": True, "MinLifetime": "P1D"},
    }
    properties: Any = {}
    for kind, values in one.items():
        properties = line_meant(kind, values).replaced(properties, values)
    unenforced = compiled(properties, "documented").unenforced
    for path, said in enforced.items():
        if said == "yes":
            assert path not in unenforced
    assert {path for path in unenforced if enforced[path] not in ("pool", "no")} == set()
    assert "provisioningProperties.ioConnectivity.maxIOPS" in unenforced


def test_the_class_in_the_document_can_be_posted() -> None:
    found = re.search(r"```json\n(.*?)```", PAGE[PAGE.index("## Classes of service") :], re.DOTALL)
    assert found is not None
    body = json.loads(found[1])
    for kind in set(body) - {"Name"}:
        for element in body[kind]:
            line = line_meant(kind, element)
            assert line in KINDS[kind] and not list(Draft202012Validator(SCHEMAS[line.id]).iter_errors(element))
