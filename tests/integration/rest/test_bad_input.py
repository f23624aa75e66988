"""Whatever is sent that cannot be: a clear refusal, and everything is as before."""

from __future__ import annotations

import json
import socket
import ssl
from collections.abc import Iterator, Mapping
from contextlib import closing
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.integration.rest.client import Client
from tests.integration.rest.conftest import BODY_LIMIT, MEMORY, World

pytestmark = pytest.mark.xdist_group("rest")

NOBODY = "00000000-0000-4000-8000-000000000000"
BAD_NAMES = [
    "",
    " ",
    ".",
    "..",
    "a/b",
    "../../etc/passwd",
    "a\\b",
    "a\nb",
    "a\x7f",
    "x" * 256,
    " a",
    "a ",
    5,
    None,
    ["a"],
    {},
]
BAD_SIZES = [-1, 0, 1.5, "1", "1GiB", True, None, 2**60 + 1, 2**63, 2**64, 10**400, 1e30, [1], {}]
BAD_METADATA = [
    [],
    "a",
    {"a": 1},
    {"a": None},
    {"": "a"},
    {"a": "x" * 1025},
    {"x" * 256: "a"},
    {str(n): "a" for n in range(65)},
    {"a": {"b": "c"}},
]


@pytest.fixture(scope="module")
def things(world: World) -> Mapping[str, str]:
    """One of each kind, by the name of its path parameter."""
    member, manager = world.as_("member"), world.as_("manager")
    volume = member.volume("target")
    attached = member.volume("attached")
    snapshot = member.done("POST", "/v1/snapshots", {"volume": volume, "name": "s"})
    host = manager.post("/v1/hosts", {"name": "target"})["id"]
    attachment = member.done("POST", "/v1/attachments", {"volume": attached, "host": host})
    profile = world.admin.post("/v1/profiles", {"name": "target", "properties": MEMORY})["id"]
    return {
        "volume": volume,
        "snapshot": snapshot["resource"],
        "attachment": attachment["resource"],
        "host": host,
        "profile": profile,
        "operation": attachment["id"],
        "pool": world.admin.get("/v1/pools")["items"][0]["id"],
        "backend": "array",
        "tenant": world.tenant("blue"),
        "user": "blue-member",
        "request_id": attachment["request_id"],
        "namespace": "plugins",
        "name": "rest",
        "plugin": "nobody",
        "action": "nothing",
        "token": NOBODY,
    }


@pytest.fixture
def unchanged(world: World, things: Mapping[str, str]) -> Iterator[None]:
    """Fails when anything at all is not as it was before the test."""
    world.as_("member"), world.as_("manager")
    before = world.admin.everything()
    yield
    assert world.admin.everything() == before


def cases(things: Mapping[str, str]) -> Iterator[tuple[str, str, Any]]:
    """Requests that cannot be: method, path, body."""
    good: dict[str, dict[str, Any]] = {
        "/v1/volumes": {"name": "n", "size": 1 << 20, "profile": "memory"},
        "/v1/snapshots": {"volume": things["volume"], "name": "n"},
        "/v1/hosts": {"name": "n"},
        "/v1/hosts/ensure": {"name": "n", "initiators": [{"protocol": "iscsi", "name": "iqn.2026-01.example:n"}]},
        "/v1/profiles": {"name": "n", "properties": MEMORY},
        "/v1/tenants": {"name": "n"},
        "/v1/users": {"name": "n", "tenant": things["tenant"], "roles": ["member"]},
        "/v1/tokens": {"name": "n"},
        "/v1/backends": {"name": "n", "driver": "memory"},
    }
    change: dict[str, Any]
    properties: Any
    for path, body in good.items():
        for name in BAD_NAMES:
            yield "POST", path, {**body, "name": name}
        yield "POST", path, {key: value for key, value in body.items() if key != "name"}
        yield "POST", path, {**body, "id": NOBODY}
        yield "POST", path, {**body, "nAme": "n"}
        if path != "/v1/tokens":
            for metadata in BAD_METADATA:
                yield "POST", path, {**body, "metadata": metadata}
    for size in BAD_SIZES:
        yield "POST", "/v1/volumes", {**good["/v1/volumes"], "size": size}
        yield "POST", f"/v1/volumes/{things['volume']}/extend", {"size": size}
        yield "POST", f"/v1/volumes/{things['volume']}/extend?dry_run=true", {"size": size}
    for change in (
        {"profile": "nothing"},
        {"profile": 5},
        {"zone": ""},
        {"scope": "planet"},
        {"near": "x"},
        {"near": [NOBODY]},
        {"near": ["x"] * 33},
        {"apart": [5]},
        {"source_volume": NOBODY},
        {"source_snapshot": NOBODY},
        {"source_volume": things["volume"], "source_snapshot": things["snapshot"]},
        {"description": "x" * 1001},
        {"description": 5},
        {"state": "available"},
        {"tenant": things["tenant"]},
    ):
        yield "POST", "/v1/volumes", {**good["/v1/volumes"], **change}
    for initiators in (
        [{"protocol": "smoke", "name": "a"}],
        [{"protocol": "iscsi"}],
        [{"protocol": "iscsi", "name": "iqn with spaces"}],
        [{"protocol": "iscsi", "name": "-n"}],
        [{"protocol": "iscsi", "name": "iqn.2026-01.example:n\n--op delete"}],
        [{"protocol": "iscsi", "name": "x" * 300}],
        [{"protocol": "iscsi", "name": "iqn.2026-01.example:n", "x": 1}],
        "iqn",
    ):
        yield "POST", "/v1/hosts", {"name": "n", "initiators": initiators}
        yield "PATCH", f"/v1/hosts/{things['host']}", {"initiators": initiators}
    for change in ({"mode": "rwx"}, {"volume": NOBODY}, {"host": NOBODY}, {"volume": 5}, {"secret": "x"}):
        yield "POST", "/v1/attachments", {"volume": things["volume"], "host": things["host"], **change}
    for properties in (
        [],
        {"colour": "red"},
        {"provisioningProperties": {"dataStorage": {"provisioningPolicy": "Fluffy"}}},
        {"customProperties": {"capabilities:x": "<is> <is>"}},
        {"provisioningProperties": {"ioConnectivity": {"maxIOPS": -1}}},
    ):
        yield "POST", "/v1/profiles", {"name": "n", "properties": properties}
        yield "PATCH", f"/v1/profiles/{things['profile']}", {"properties": properties}
    for change in (
        {"roles": []},
        {"roles": ["king"]},
        {"roles": "member"},
        {"password": "short"},
        {"password": "x" * 2000},
        {"tenant": NOBODY},
        {"tenant": 5},
        {"has_password": True},
    ):
        yield "POST", "/v1/users", {**good["/v1/users"], **change}
    for change in ({"lifetime": 0}, {"lifetime": -5}, {"lifetime": 10**12}, {"roles": ["king"]}, {"user": NOBODY}):
        yield "POST", "/v1/tokens", {"name": "n", **change}
    for change in (
        {"driver": "nothing"},
        {"driver": "../../file"},
        {"settings": {"colour": 1}},
        {"settings": {"latency": -1}},
        {"settings": {"pools": []}},
        {"settings": []},
        {"secrets": {"password": "x"}},
        {"secrets": {"password": 5}},
        {"name": "array"},
    ):
        yield "POST", "/v1/backends", {"name": "n", "driver": "memory", **change}
    for limit in ({"max_volumes": -1}, {"max_bytes": 2**61}, {"max_volumes": 2**31}, {"max_bytes": 1.5}, {"x": 1}):
        yield "PUT", f"/v1/tenants/{things['tenant']}/limits", limit
    yield "PUT", f"/v1/tenants/{things['tenant']}/limits", {"profile": "nothing", "max_volumes": 1}
    for change in ({"ratio": 0.5}, {"ratio": 1e9}, {"reserve": 1}, {"reserve": -0.1}, {"total": 5}, {"ratio": "2"}):
        yield "PATCH", f"/v1/pools/{things['pool']}", change
    for kind in ("volume", "snapshot", "host", "profile", "tenant", "backend"):
        for change in ({}, {"name": "a/b"}, {"name": None}, {"state": "error"}, {"version": 1}, {"metadata": {"a": 1}}):
            yield "PATCH", f"/v1/{kind}s/{things[kind]}", change
    yield "PATCH", f"/v1/attachments/{things['attachment']}", {"mode": "ro"}
    yield "PATCH", f"/v1/users/{things['user']}", {"tenant": None}
    yield "PATCH", "/v1/extensions/plugins/rest", {"settings": {"colour": 1}}
    yield "PATCH", "/v1/extensions/plugins/rest", {"enabled": "no"}
    yield "POST", f"/v1/volumes/{things['volume']}/revert", {"snapshot": NOBODY}
    yield "POST", "/v1/actions/nobody/nothing", {"subject": {"kind": "volume"}}
    for path in ("volumes", "snapshots", "attachments", "hosts", "pools", "profiles", "tenants", "users", "backends"):
        for wrong in (NOBODY, "x", "%F0%9F%98%80", "..%2f..%2fetc%2fpasswd", "%00", "%ff%fe", "x" * 300, "'--", "%0a"):
            yield "GET", f"/v1/{path}/{wrong}", None
            if path != "pools":
                yield "DELETE", f"/v1/{path}/{wrong}", None
    for verb in ("cancel", "retry", "abandon"):
        yield "POST", f"/v1/operations/{NOBODY}/{verb}", None
        yield "POST", f"/v1/operations/{things['operation']}/{verb}", None
    yield "GET", "/v1/explanations/nothing", None
    yield "GET", "/v1/events?after=-1", None
    yield "GET", "/v1/events?after=" + "9" * 30, None
    yield "GET", "/v1/events?limit=0", None


def test_what_cannot_be_is_refused_and_changes_nothing(
    world: World, things: Mapping[str, str], unchanged: None
) -> None:
    admin = world.client(tenant=things["tenant"])
    wrong = []
    with closing(admin):
        for method, path, body in cases(things):
            # The two sides' own encoders would refuse some of it: a plain text stands for it.
            data = None if body is None else json.dumps(body)
            answer = admin.ask(method, path, data=data, headers={"Content-Type": "application/json"})
            if not 400 <= answer.status_code < 500 or not answer.json()["detail"]:
                wrong.append((method, path, str(body)[:200], answer.status_code, answer.text[:200]))
    assert wrong == []


BAD_BODIES: Mapping[bytes, int] = {
    b"{": 400,
    b"[]": 400,
    b"null": 400,
    b'"x"': 400,
    b"": 400,
    b"name=x&size=5": 400,
    b'{"name": "x", "size": NaN}': 400,
    b'{"name": "x", "size": Infinity}': 400,
    b'{"name": "x", "size": 1e999}': 400,
    b'{"name": "x", "size": ' + b"9" * 5000 + b"}": 400,
    b'{"name": "x", "name": "y", "size": 1048576, "profile": "memory"}': 400,
    b'{"name": "x\\u0000", "size": 1048576, "profile": "memory"}': 400,
    b'{"name": "x\\ud800", "size": 1048576, "profile": "memory"}': 400,
    b'{"name": "\xff\xfe", "size": 1048576, "profile": "memory"}': 400,
    b'{"name": "x", "size": 1048576, "profile": "memory", "metadata": {"a": "\\u0000"}}': 400,
    b'{"a":' * 9000 + b"1" + b"}" * 9000: 400,
    b"[" * 60000: 400,
    b"\x1f\x8b\x08\x00": 400,
    b"{" + b" " * BODY_LIMIT + b"}": 413,
}


def test_a_body_that_is_no_plain_object_changes_nothing(member: Client, unchanged: None) -> None:
    for data, status in BAD_BODIES.items():
        for body in (data, iter([data[:10], data[10:]])):
            answer = member.ask("POST", "/v1/volumes", data=body, headers={"Content-Type": "application/json"})
            assert answer.status_code == status, (data[:60], answer.text)


def test_another_media_type_is_415_declared_or_not(member: Client, unchanged: None) -> None:
    body = b'{"name": "x", "size": 1048576, "profile": "memory"}'
    for media in ("text/plain", "application/xml", "application/x-www-form-urlencoded", None):
        headers = {} if media is None else {"Content-Type": media}
        for data in (body, iter([body])):
            assert member.ask("POST", "/v1/volumes", data=data, headers=headers).status_code == 415, media


@pytest.mark.parametrize(
    "name", ["\U0001f600", "\U0001f468\U0001f3fd", "Größe 1", "数据库", "a'b\"c", "x" * 255, "%2e%2e"]
)
def test_any_printable_name_is_fine(member: Client, name: str) -> None:
    volume = member.volume(name)
    assert member.get(f"/v1/volumes/{volume}")["name"] == name
    assert [item["id"] for item in member.get("/v1/volumes", params={"name": name})["items"]] == [volume]


def test_headers_that_cannot_be_are_refused(world: World, unchanged: None) -> None:
    member = world.as_("member")
    body = {"name": "x", "size": 1 << 20, "profile": "memory"}
    for headers in (
        {"Idempotency-Key": ""},
        {"Idempotency-Key": "x" * 201},
        {"Idempotency-Key": b"\x80\x9f"},
    ):
        assert member.ask("POST", "/v1/volumes", json=body, headers=headers).status_code == 400, headers
    for tenant in (NOBODY, "nothing", "..", "x" * 5000, b"\xf0\x9f\x98\x80"):
        answer = world.admin.ask("GET", "/v1/volumes", headers={"X-Isthmus-Tenant": tenant})
        assert answer.status_code in (401, 431), tenant


def test_a_request_that_is_no_http_harms_nobody(world: World) -> None:
    context = ssl.create_default_context(cafile=str(world.server.ca))
    port = int(world.server.address.rpartition(":")[2])
    for raw in (
        b"\x00\x01\x02\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"POST /v1/volumes HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
        b"POST /v1/volumes HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcde",
        b"POST /v1/volumes HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\nzz\r\n",
        b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 500_000 + b"\r\n\r\n",
    ):
        plain = socket.create_connection(("127.0.0.1", port), 10)
        with closing(context.wrap_socket(plain, server_hostname="127.0.0.1")) as connection:
            try:
                connection.sendall(raw)
                head = connection.recv(64)
            except (ConnectionError, ssl.SSLError):
                continue
            assert head == b"" or head.split(b" ")[1][:1] != b"5", (raw[:40], head)
    assert world.admin.get("/healthz") == {"status": "alive"}


ANY = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=30)
    | st.sampled_from(["", "..", "a/b", "\0", "\ud800", NOBODY, "memory", "x" * 300, 2**63, -1, 10**50]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def fuzzed(schema: Mapping[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Objects with this schema's names and anything as values, most of them wrong."""
    return st.dictionaries(st.sampled_from([*schema["properties"], "surprise"]), ANY, min_size=1, max_size=4)


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True, database=None)
@given(data=st.data())
def test_no_body_is_a_defect(world: World, things: Mapping[str, str], data: st.DataObject) -> None:
    requests = [
        (method, path, operation["requestBody"]["content"]["application/json"]["schema"]["$ref"].split("/")[-1])
        for path, methods in sorted(world.description.document["paths"].items())
        for method, operation in methods.items()
        if "requestBody" in operation
    ]
    method, path, schema = data.draw(st.sampled_from(requests))
    for name, value in things.items():
        path = path.replace(f"{{{name}}}", value)
    body = data.draw(fuzzed(world.description.document["components"]["schemas"][schema]))
    # A reader may change nothing, so that a body which happens to be good does no harm either.
    text = json.dumps(body)
    answer = world.as_("reader").ask(method.upper(), path, data=text, headers={"Content-Type": "application/json"})
    assert 400 <= answer.status_code < 500, (method, path, text, answer.text)
    if method.upper() == "POST" and "dry_run" in str(world.description.operation("POST", path)):
        planned = world.as_("member").ask(
            "POST", f"{path}?dry_run=true", data=text, headers={"Content-Type": "application/json"}
        )
        assert planned.status_code < 500, (path, text, planned.text)
