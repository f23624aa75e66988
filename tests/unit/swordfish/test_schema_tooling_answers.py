"""Answers of the Redfish service are judged by their headers too; and what its validators report is read rightly."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook

from tests.environment import redfish_schemas, redfish_validators
from tests.environment.ports import free_port
from tests.environment.redfish_answers import Answer, faults
from tests.environment.redfish_validators import ValidatorBroke, protocol_validator, service_validator

needs_validators = pytest.mark.skipif(bool(redfish_validators.missing()), reason=redfish_validators.missing() or "-")
TAG = '"5f0b"'
ROLE = "/redfish/v1/AccountService/Roles/Operator"
BODY = {
    "@odata.id": ROLE,
    "@odata.type": "#Role.v1_3_3.Role",
    "@odata.etag": TAG,
    "Id": "Operator",
    "RoleId": "Operator",
    "Name": "Operator",
}
HEADERS = {
    "OData-Version": "4.0",
    "Cache-Control": "no-cache",
    "Content-Type": "application/json",
    "ETag": TAG,
    "Allow": "GET, HEAD, PATCH",
    "Link": "<http://redfish.dmtf.org/schemas/v1/Role.v1_3_3.json>; rel=describedby",
}
GOOD = Answer("GET", ROLE, 200, HEADERS, json.dumps(BODY).encode())


def headed(answer: Answer, headers: Mapping[str, str | None]) -> Answer:
    """The answer with other headers; None takes one away."""
    found = {**answer.headers, **headers}
    return replace(answer, headers={name: value for name, value in found.items() if value is not None})


def saying(body: Mapping[str, Any]) -> bytes:
    return json.dumps({**BODY, **body}).encode()


def test_a_good_answer_has_no_faults() -> None:
    assert faults(GOOD, None) == []
    assert faults(replace(GOOD, method="HEAD", content=b""), None) == []
    assert faults(replace(GOOD, status=304, content=b""), None) == []


@pytest.mark.parametrize(
    ("header", "value", "word"),
    [
        ("OData-Version", None, "OData-Version"),
        ("OData-Version", "4.01", "OData-Version"),
        ("Cache-Control", None, "Cache-Control"),
        ("Content-Type", "application/json;charset=latin-1", "Content-Type"),
        ("ETag", None, "ETag"),
        ("ETag", '"other"', "ETag"),
        ("Allow", None, "no Allow"),
        ("Allow", "PATCH", "does not name GET"),
        ("Link", None, "describedby"),
        ("Link", "<http://redfish.dmtf.org/schemas/v1/Role.v1_3_2.json>; rel=describedby", "v1_3_2"),
        ("Link", "<http://redfish.dmtf.org/schemas/v1/Role.v1_3_3.json>; rel=item", "describedby"),
        ("Set-Cookie", "session=1", "cookie"),
    ],
)
def test_a_header_that_is_not_as_it_must_be_is_a_fault(header: str, value: str | None, word: str) -> None:
    told = faults(headed(GOOD, {header: value}), None)
    assert len(told) == 1, told
    assert word in told[0], told


@pytest.mark.parametrize(
    ("answer", "word"),
    [
        (replace(GOOD, content=b"{"), "not JSON"),
        (replace(GOOD, method="HEAD"), "a body of"),
        (replace(GOOD, status=204), "a body of"),
        (replace(GOOD, content=saying({"@odata.id": "/redfish/v1/AccountService/Roles/Reader"})), "@odata.id is"),
        (replace(GOOD, method="POST", status=201), "no Location"),
        (replace(GOOD, method="POST", status=202), "no Location"),
        (headed(replace(GOOD, method="POST", status=201), {"Location": "/redfish/v1/x"}), "Location is /redfish/v1/x"),
        (replace(GOOD, status=401), "WWW-Authenticate"),
        (replace(GOOD, method="PATCH", status=405), "Allow names PATCH"),
        (headed(replace(GOOD, method="PUT", status=405), {"Allow": None}), "no Allow"),
        (replace(GOOD, status=500), "the server failed"),
        (headed(replace(GOOD, status=404, content=b"gone"), {"Content-Type": "text/html"}), "not JSON"),
    ],
)
def test_what_the_status_asks_for_is_there(answer: Answer, word: str) -> None:
    told = faults(answer, None)
    assert any(word in line for line in told), told


@pytest.mark.parametrize(
    ("options", "members", "count", "more", "good"),
    [
        ("", 2, 2, False, True),
        ("", 2, 3, False, False),
        ("", 2, 3, True, True),
        ("$filter=Name eq 'x'", 2, 3, False, False),
        ("$skip=1", 2, 3, False, True),
        ("$skip=1", 1, 3, False, False),
        ("$skip=1", 1, 3, True, True),
        ("$skip=9", 0, 3, False, True),
        ("$top=2", 2, 3, False, True),
        ("$top=9", 2, 3, False, False),
        ("$top=9", 3, 3, False, True),
        ("$skip=1&$top=1", 1, 3, False, True),
        ("$skip=1&$top=2", 1, 3, False, False),
        ("$skiptoken=x", 1, 3, False, True),
    ],
)
def test_members_that_nobody_left_out_are_on_this_page_or_the_next(
    options: str, members: int, count: int, more: bool, good: bool
) -> None:
    body = {"Members": [{"@odata.id": ROLE}] * members, "Members@odata.count": count}
    body |= {"Members@odata.nextLink": f"{ROLE}?$skiptoken=x"} if more else {}
    told = faults(Answer("GET", f"{ROLE}?{options}", 200, HEADERS, json.dumps(body).encode()), None)
    assert [line for line in told if "no next page" in line] == told
    assert (told == []) is good


@pytest.mark.skipif(bool(redfish_schemas.missing()), reason=redfish_schemas.missing() or "-")
def test_the_body_is_judged_by_its_schema_and_the_options_that_were_asked_for() -> None:
    schemas = redfish_schemas.official()
    assert faults(GOOD, schemas) == []
    spoiled = replace(GOOD, content=saying({"IsPredefined": "yes"}))
    assert ["IsPredefined" in line for line in faults(spoiled, schemas)] == [True]
    selected = {name: value for name, value in BODY.items() if name != "Name"}
    short = replace(GOOD, content=json.dumps(selected).encode())
    assert faults(short, schemas) != []
    assert faults(replace(short, target=f"{ROLE}?$select=Id"), schemas) == []
    assert faults(replace(GOOD, status=404), schemas) != [], "the body of an error is an error"


@needs_validators
def test_an_assertion_has_the_worst_of_its_outcomes() -> None:
    table = """Assertion\tMethod\tStatus code\tURI\tResult\tMessage\tRequirement
PROTO_JSON_RFC\tGET\t200\t/redfish\tPASS\tTest passed\tx
PROTO_JSON_RFC\tGET\t200\t/redfish/v1/\tFAIL\tno
good\tx
SEC_NO_AUTH_COOKIES\tPOST\t201\t/s\tWARN\ta cookie\tx
SEC_NO_AUTH_COOKIES\tPOST\t201\t/s\tPASS\tTest passed\tx
RESP_HEADERS_ETAG\t\t\t\tNOT_TESTED\tno account\tx
RESP_HEADERS_LOCATION\tPOST\t201\t/s\tNOT_TESTED\tno\tx
RESP_HEADERS_LOCATION\tPOST\t201\t/s\tPASS\tTest passed\tx
SEC_TLS_1_1\tGET\t600\t/redfish/v1/\tPASS\tTest passed\tx
"""
    report = redfish_validators._protocol_report(table)
    assert (report.passed, report.warned, report.failed) == (3, 1, 2)
    assert report.lines == (
        "FAIL PROTO_JSON_RFC GET /redfish/v1/ 200: no good",
        "FAIL SEC_TLS_1_1 GET /redfish/v1/ 600: no answer at all",
        "WARN SEC_NO_AUTH_COOKIES POST /s 201: a cookie",
    )
    assert len(report.outcomes) == 129
    assert {n: o.result for n, o in report.outcomes.items() if o.result != "not tested"} == {
        "PROTO_JSON_RFC": "failed",
        "SEC_NO_AUTH_COOKIES": "warned",
        "RESP_HEADERS_LOCATION": "passed",
        "SEC_TLS_1_1": "failed",
    }
    assert report.outcomes["RESP_HEADERS_ETAG"].reason.endswith("no account")
    assert report.outcomes["REQ_HEADERS_ORIGIN"].reason == "the validator says nothing of it"


@needs_validators
def test_failures_and_warnings_of_the_service_validator_are_lines(tmp_path: Path) -> None:
    book = Workbook()
    summary = book.active
    assert summary is not None
    summary.title = "Summary"
    for row in (("Pass", 2), ("Warning", 1), ("Fail", 1), ("Not Tested", 5)):
        summary.append(row)
    results = book.create_sheet("Results")
    for line in (
        ("S#", "URI", "HTTP Status", "Response Time (ms)", "Resource Type", "Property", "Value", "Result", "Message"),
        (1, "/redfish/v1/", 200, 1, "ServiceRoot v1.20.0", "Id", "RootService", "PASS", "Pass: fine."),
        (2, "/redfish/v1/", 200, 1, "ServiceRoot v1.20.0", "Name", "", "WARN", "Empty String Warning: x"),
        (3, "/redfish/v1/S", 404, 1, "Unknown", "-", "", "FAIL", "Resource Error: y"),
    ):
        results.append(line)
    book.save(tmp_path / "report.xlsx")
    report = redfish_validators._service_report(tmp_path / "report.xlsx")
    assert (report.passed, report.warned, report.failed) == (2, 1, 1)
    assert report.lines == (
        "FAIL /redfish/v1/S -: Resource Error: y",
        "WARN /redfish/v1/ Name: Empty String Warning: x",
    )


@needs_validators
@pytest.mark.slow
@pytest.mark.parametrize("validator", [service_validator, protocol_validator])
def test_a_validator_that_finds_no_service_makes_no_good_report(validator: Any, tmp_path: Path) -> None:
    with pytest.raises(ValidatorBroke):
        validator(f"https://127.0.0.1:{free_port()}", "somebody", "100% secret", tmp_path, seconds=6.0)
    assert not (tmp_path / "config.ini").exists(), "the password outlives the run"
