"""The OpenAPI document is valid and leaves no route out."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pytest
from openapi_spec_validator import validate

from isthmus.plugins.rest.openapi import document
from isthmus.plugins.rest.problem import TITLES
from isthmus.plugins.rest.route import Route
from isthmus.plugins.rest.schema import schemas
from tests.unit.rest.site import Site

ROUTES = Site().routes
DOCUMENT = document(ROUTES)


def described(route: Route) -> Mapping[str, Any]:
    operation: Mapping[str, Any] = DOCUMENT["paths"][route.path][route.method.lower()]
    return operation


def named(route: Route) -> str:
    return route.name


each_route = pytest.mark.parametrize("route", ROUTES, ids=named)


@pytest.mark.slow
def test_the_document_is_valid() -> None:
    validate(DOCUMENT)


def test_names_are_unique() -> None:
    assert len({route.name for route in ROUTES}) == len(ROUTES)
    assert len({(route.method, route.path) for route in ROUTES}) == len(ROUTES)


def test_what_is_served_is_what_is_described() -> None:
    site = Site()
    served = {
        (method, re.sub(r"<segment:(\w+)>", r"{\1}", rule.rule))
        for rule in site.app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    told = {(method.upper(), path) for path, methods in DOCUMENT["paths"].items() for method in methods}
    assert served == told


@each_route
def test_a_route_says_what_it_does_and_answers(route: Route) -> None:
    operation = described(route)
    assert len(operation["summary"]) > 3
    assert operation["tags"][0] in {tag["name"] for tag in DOCUMENT["tags"]}
    assert str(route.status) in operation["responses"]
    answered = operation["responses"][str(route.status)]
    assert ("content" in answered) == (route.status != 204)
    assert all(parameter["description"] for parameter in operation["parameters"])


@each_route
def test_a_route_names_schemas_that_are_there(route: Route) -> None:
    for name in (route.request, route.response, *(schema for schema, _ in route.also.values())):
        assert name is None or name in schemas()


@each_route
def test_what_changes_something_takes_a_body_with_a_schema_or_none(route: Route) -> None:
    if route.method in ("PATCH", "PUT"):
        assert route.request is not None
    if route.method in ("GET", "DELETE"):
        assert route.request is None
    if route.status == 202 and route.name.split("_")[0] not in ("cancel", "retry", "abandon"):
        assert route.keyed, "what is accepted takes an idempotency key and a dry run"


def test_no_schema_is_there_for_nothing() -> None:
    text = str(DOCUMENT["paths"]) + str(DOCUMENT["components"]["schemas"])
    for name in schemas():
        assert f"#/components/schemas/{name}'" in text, name


def test_every_status_that_is_described_has_a_title() -> None:
    for methods in DOCUMENT["paths"].values():
        for operation in methods.values():
            for status, answer in operation["responses"].items():
                if "application/problem+json" in answer.get("content", {}):
                    assert int(status) in TITLES
