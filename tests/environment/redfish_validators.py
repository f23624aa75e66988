"""The publisher's two validators, run against a service as a client would run them: in processes of their own, offline.

    report = service_validator(address, "admin", password, folder, seconds=120)
    assert report.lines == ()
    report = protocol_validator(address, "admin", password, folder, ca=ca, streams=True)
    assert report.failed == 0, report.lines
    assert report.count("passed") >= 100, report.told("not tested")

The service validator counts properties, the protocol validator single requests; what the latter is about are its
assertions, so each has an outcome here: failed if any request failed it, else warned, else passed, else not tested.
"""

from __future__ import annotations

import importlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

from . import redfish_schemas

_RANK = {"NOT_TESTED": "not tested", "PASS": "passed", "WARN": "warned", "FAIL": "failed"}
# Colours and borders for each cell of its report take it four times as long as validating; the text stays.
_SERVICE = """
from openpyxl.styles import styleable
from redfish_service_validator import console_scripts, report
styleable.StyleDescriptor.__set__ = lambda *ignored: None
for name in ("Alignment", "Border", "Font", "PatternFill", "Side"):
    setattr(report, name, lambda *ignored, **also: None)
console_scripts.main()
"""
_PROTOCOL = """
from redfish_protocol_validator import console_scripts, resources, utils
from redfish_protocol_validator.constants import RequestType
"""
_RUN = "console_scripts.main()\n"
# Release 1.3.2 forgets the address of the event stream after reading it, and with it all it has to say on streams. This
# is how it went on from there before; the tests of streams themselves are all its own.
_STREAMS = """
stock = resources.get_default_resources
def with_streams(sut, uri="/redfish/v1/", uris=None):
    yield from stock(sut, uri=uri, uris=uris)
    service = sut.get_response("GET", sut.event_service_uri)
    stream = utils.get_response_json(service).get("ServerSentEventUri") if service is not None else None
    if stream:
        sut.set_server_sent_event_uri(stream)
        response, destination = utils.get_sse_stream(sut)
        if destination:
            sut.set_event_dest_uri(destination)
        if response is not None:
            yield {"uri": stream, "response": response, "request_type": RequestType.STREAMING}
resources.get_default_resources = with_streams
"""
# It searches where the default route leads; what answers on another interface is not found there. Each search lasts two
# seconds longer than it gives services to answer.
_SEARCHES = """
import socket
search, stock_socket = utils.discover_ssdp, socket.socket
class Searching(stock_socket):
    def __init__(self, *given):
        super().__init__(*given)
        if self.family == socket.AF_INET:
            self.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(%r))
def on_interface(**asked):
    socket.socket = Searching
    try:
        return search(**asked, response_time=1)
    finally:
        socket.socket = stock_socket
utils.discover_ssdp = on_interface
"""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one assertion: `result` is passed, warned, failed or not tested; `reason` why it did not pass."""

    result: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """What a validator found: its own counts, and each failure and warning as a line that says where and what.

    `outcomes` are the protocol validator's assertions by name, all of them, also those it has no code for.
    """

    passed: int
    warned: int
    failed: int
    lines: tuple[str, ...]
    outcomes: Mapping[str, Outcome] = field(default_factory=dict)

    def count(self, result: str) -> int:
        """How many assertions had this outcome."""
        return sum(outcome.result == result for outcome in self.outcomes.values())

    def told(self, result: str) -> str:
        """Those assertions, a line each, with the reasons."""
        return "\n".join(f"{n}: {o.reason}" for n, o in sorted(self.outcomes.items()) if o.result == result)


class ValidatorBroke(AssertionError):
    """A validator made no report: it could not log in, ran out of time or fell over. Carries its last words."""


def missing() -> str:
    """Why the validators cannot run here; empty when they can."""
    for package in ("redfish_service_validator", "redfish_protocol_validator"):
        if find_spec(package) is None:
            return f"{package.replace('_', '-')} is not installed"
    return redfish_schemas.missing()


def service_validator(
    address: str,
    user: str,
    password: str,
    reports: Path,
    *,
    seconds: float = 300.0,
    session: bool = True,
    limits: Mapping[str, int] | None = None,
) -> Report:
    """Read every resource that the service links to, and compare it with the CSDL schemas.

    `limits`: of a collection of this type (`{"Volume": 50}`) read only so many members. Reports go below `reports`.
    """
    data = redfish_schemas.folder()
    assert data is not None, redfish_schemas.missing()
    arguments = ["--skipschema", "--schema_directory", str(data / "csdl"), "--logdir", str(reports)]
    arguments += ["--authtype", "Session" if session else "Basic"]
    if limits:
        arguments += ["--collectionlimit", *(str(part) for limit in limits.items() for part in limit)]
    settings = {"Authentication": {"user": user, "password": password}, "Connection": {"rhost": address}}
    said = _run(_SERVICE, arguments, settings, reports, seconds)
    found = sorted(reports.glob("*/RedfishServiceValidatorReport_*.xlsx"))
    if not found:
        raise ValidatorBroke(said)
    return _service_report(found[-1])


def protocol_validator(
    address: str,
    user: str,
    password: str,
    reports: Path,
    *,
    ca: Path | None = None,
    streams: bool = False,
    interface: str | None = None,
    seconds: float = 300.0,
) -> Report:
    """Try the protocol: headers, authentication, entity tags, accounts, subscriptions. The user is an administrator.

    `streams` has it test event streams too, which release 1.3.2 leaves out unless it is made to. It looks for the
    service by SSDP on the interface with the address `interface`, or else where the default route leads. Without `ca`
    the service's certificate is not verified. It makes accounts and sessions and deletes them.
    """
    settings = {
        "Authentication": {"user": user, "password": password},
        "Connection": {"rhost": address, **({"ca-bundle": str(ca)} if ca else {"no-cert-check": "yes"})},
    }
    arguments = ["--report-dir", str(reports), "--report-type", "tsv"]
    code = _PROTOCOL + (_STREAMS if streams else "") + (_SEARCHES % interface if interface else "") + _RUN
    said = _run(code, arguments, settings, reports, seconds)
    found = sorted(reports.glob("*.tsv"))
    if not found:
        raise ValidatorBroke(said)
    return _protocol_report(found[-1].read_text(encoding="utf-8"))


def _run(
    code: str, arguments: Iterable[str], settings: Mapping[str, Mapping[str, str]], reports: Path, seconds: float
) -> str:
    """Run it to its end and return what it said. Its password is in a file of ours alone, not on a command line."""
    reports.mkdir(parents=True, exist_ok=True)
    file = reports / "config.ini"
    file.touch(mode=0o600)
    file.write_text("".join(f"[{name}]\n{_lines(table)}" for name, table in settings.items()))
    # Where these are set, requests verifies against them although a caller told it not to.
    environment = {name: v for name, v in os.environ.items() if name not in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")}
    environment |= {"NO_PROXY": "*", "no_proxy": "*"}
    process = subprocess.Popen(
        [sys.executable, "-c", code, "--config", str(file), *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        cwd=reports,
        env=environment,
        start_new_session=True,
        text=True,
        errors="replace",
    )
    try:
        said, _ = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        said, _ = process.communicate()
        raise ValidatorBroke(f"not done after {seconds:.0f} s\n{said[-4000:]}") from None
    finally:
        file.unlink()
    return said[-4000:]


def _lines(table: Mapping[str, str]) -> str:
    return "".join(f"{name} = {value.replace('%', '%%')}\n" for name, value in table.items())


def _service_report(file: Path) -> Report:
    from openpyxl import load_workbook

    book = load_workbook(file, read_only=True)
    counts = {str(row[0]): row[1] for row in book["Summary"].iter_rows(max_col=2, values_only=True)}
    lines = []
    for row in book["Results"].iter_rows(min_row=2, values_only=True):
        uri, place, result, message = row[1], row[5], row[7], row[8]
        if result in ("FAIL", "WARN"):
            lines.append(f"{result} {uri} {place}: {message}")
    passed, warned, failed = (int(str(counts[name])) for name in ("Pass", "Warning", "Fail"))
    assert warned + failed == len(lines), f"{file} has {len(lines)} lines for {warned} warnings and {failed} failures"
    return Report(passed, warned, failed, tuple(sorted(lines)))


def _protocol_report(text: str) -> Report:
    names = [name.name for name in importlib.import_module("redfish_protocol_validator.constants").Assertion]
    counts = dict.fromkeys(_RANK, 0)
    outcomes = {name: Outcome("not tested", "the validator says nothing of it") for name in names}
    lines = []
    seen: set[str] = set()
    for name, method, status, uri, result, message in _rows(text, set(names)):
        counts[result] += 1
        line = f"{method} {uri} {status}: {message}".strip()
        if result in ("FAIL", "WARN"):
            lines.append(f"{result} {name} {line}")
        before = list(_RANK.values()).index(outcomes[name].result) if name in seen else -1
        if list(_RANK).index(result) > before:
            outcomes[name] = Outcome(_RANK[result], "" if result == "PASS" else line)
        seen.add(name)
    return Report(counts["PASS"], counts["WARN"], counts["FAIL"], tuple(sorted(lines)), outcomes)


def _rows(text: str, names: set[str]) -> Iterator[tuple[str, str, str, str, str, str]]:
    """The rows of its table. A message may hold line breaks; such a line goes on with the message before it."""
    rows: list[str] = []
    for line in text.splitlines()[1:]:
        if line.partition("\t")[0] in names or not rows:
            rows.append(line)
        else:
            rows[-1] += " " + line
    for row in rows:
        name, method, status, uri, result, message = row.split("\t")[:6]
        # What it writes for a request that broke, and then takes for success.
        if status == "600":
            result, message = "FAIL", "no answer at all"
        yield name, method, status, uri, result, message
