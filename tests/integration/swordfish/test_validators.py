"""The publisher's own validators find nothing wrong: in what is served, before and after a storm, and in how."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.environment import redfish_validators
from tests.environment.redfish import ADMINISTRATOR, PASSWORD, ROOT
from tests.environment.redfish_validators import Report, protocol_validator, service_validator
from tests.integration.swordfish.populated import Populated, why_not_usual_ports

pytestmark = [
    pytest.mark.xdist_group("populated"),
    pytest.mark.server,
    pytest.mark.slow,
    pytest.mark.timeout(300),
    pytest.mark.skipif(bool(redfish_validators.missing()), reason=redfish_validators.missing()),
]
CHANGES, CLIENTS = 200, 8
LEAST = 115
"""Assertions of the 129 that must pass."""

_NO_CODE = "the validator has no code for it in release 1.3.2"
_NO_NTP = "it writes the NTP servers of a manager, and this one, a program, sets no clock"

NOT_TESTED: Mapping[str, str] = {
    "REQ_DATA_MOD_ERRORS": "it looks for a creation that failed among those that it makes to succeed",
    "REQ_HEADERS_ORIGIN": _NO_CODE,
    "REQ_PATCH_ARRAY_ELEMENT_REMOVE": _NO_NTP,
    "REQ_PATCH_ARRAY_ELEMENT_UNCHANGED": _NO_NTP,
    "REQ_PATCH_ARRAY_OPERATIONS_ORDER": _NO_CODE,
    "REQ_PATCH_ARRAY_TRUNCATE": _NO_NTP,
    "REQ_QUERY_PROTOCOL_FEATURES_SUPPORTED": "it is said only where the service root does not say what it supports",
    "REQ_QUERY_UNSUPPORTED_PARAMS_EXT_ERROR": _NO_CODE,
    "RESP_HEADERS_ACCESS_CONTROL_ALLOW_ORIGIN": _NO_CODE,
    "RESP_STATUS_INTERNAL_SERVER_ERROR": "no request of it is answered 500",
    "SEC_DEFAULT_CERT_REPLACE": "certificates are replaced by the server itself or by files, not through Redfish",
    "SERV_SSDP_UUID_STATIC": _NO_CODE,
}
"""Why an assertion cannot be tested; one that is not here must be."""

PLAIN_HTTP = ("PROTO_REDIRECT_ENFORCES_TARGET_PRIVS", "SEC_BASIC_AUTH_OVER_HTTPS", "SEC_SESSION_CREATE_HTTPS_ONLY")
"""Tested on port 80, where TLS is on port 443."""

CHANCE = "RESP_HEADERS_X_AUTH_TOKEN"
"""Warns of one random token in fifty, as its test of randomness must."""


@pytest.fixture(scope="module")
def protocol(populated: Populated, tmp_path_factory: pytest.TempPathFactory) -> Report:
    server = populated.service.server
    reports = tmp_path_factory.mktemp("protocol")
    return protocol_validator(
        server.address, ADMINISTRATOR, PASSWORD, reports, ca=server.ca, streams=True, interface="127.0.0.1"
    )


def test_every_resource_is_what_its_schema_says_and_stays_so_in_a_storm(populated: Populated, tmp_path: Path) -> None:
    before = _validated(populated, tmp_path / "before")
    assert before.passed > 5000
    tasks = _tasks(populated)
    populated.storm(CHANGES, CLIENTS)
    assert _tasks(populated) == tasks + CHANGES
    populated.service.check()
    after = _validated(populated, tmp_path / "after")
    assert after.passed > before.passed + CHANGES


def test_the_protocol_is_spoken(protocol: Report) -> None:
    assert protocol.failed == 0, "\n".join(protocol.lines)
    assert {name for name, outcome in protocol.outcomes.items() if outcome.result == "warned"} <= {CHANCE}
    assert len(protocol.outcomes) == 129


def test_no_more_assertions_are_left_untested_than_cannot_apply(populated: Populated, protocol: Report) -> None:
    untested = {name for name, outcome in protocol.outcomes.items() if outcome.result == "not tested"}
    excused = {*NOT_TESTED, *(() if populated.usual_ports else PLAIN_HTTP)}
    assert untested <= excused, protocol.told("not tested")


def test_enough_of_the_assertions_pass(populated: Populated, protocol: Report) -> None:
    if not populated.usual_ports:
        pytest.skip(f"plain HTTP is not tested: {why_not_usual_ports()}")
    assert protocol.count("passed") >= LEAST, protocol.told("not tested")
    assert {protocol.outcomes[name].result for name in PLAIN_HTTP} == {"passed"}


def _validated(populated: Populated, reports: Path) -> Report:
    report = service_validator(populated.service.server.address, ADMINISTRATOR, PASSWORD, reports)
    assert (report.failed, report.warned) == (0, 0), "\n".join(report.lines)
    return report


def _tasks(populated: Populated) -> int:
    return int(populated.client.body(f"{ROOT}/TaskService/Tasks?$top=0")["Members@odata.count"])
