"""Methods that a path has and has not, and what an answer is without its body."""

from __future__ import annotations

from contextlib import closing

import pytest
import requests

from tests.integration.rest.client import Client
from tests.integration.rest.conftest import BODY_LIMIT, World

pytestmark = pytest.mark.xdist_group("rest")

METHODS = {"get", "post", "put", "patch", "delete"}


def filled(path: str) -> str:
    for name in ("volume", "snapshot", "attachment", "host", "pool", "profile", "operation", "request_id", "tenant"):
        path = path.replace(f"{{{name}}}", "nothing")
    return path.replace("{", "").replace("}", "")


def test_a_method_that_a_path_has_not_is_405_and_names_those_it_has(world: World) -> None:
    for path, methods in world.description.document["paths"].items():
        for method in METHODS - set(methods):
            answer = world.admin.ask(method.upper(), filled(path))
            # A fixed path may lie under a pattern that has the method.
            if world.description.operation(method, filled(path)) is None:
                assert answer.status_code == 405, f"{method} {path}"
                allowed = {name.strip().lower() for name in answer.headers["Allow"].split(",")}
                assert set(methods) <= allowed
                assert method not in allowed


def test_options_says_what_a_path_can_do_without_credentials(world: World) -> None:
    for path, methods in world.description.document["paths"].items():
        answer = requests.Session.request(_open(world), "OPTIONS", world.server.address + filled(path), timeout=10)
        assert answer.status_code == 200
        assert set(methods) <= {name.strip().lower() for name in answer.headers["Allow"].split(",")}, path
        assert answer.content == b""
        assert "Access-Control-Allow-Origin" not in answer.headers


def test_head_is_get_without_the_body(world: World, member: Client) -> None:
    volume = member.volume("headed")
    for path in (
        "/",
        "/v1/volumes?limit=1",
        f"/v1/volumes/{volume}",
        "/v1/docs",
        "/readyz",
        "/v1/nothing",
        "/v1/volumes/nothing",
    ):
        whole = member.session.get(world.server.address + path, timeout=10)
        head = member.session.head(world.server.address + path, timeout=10)
        assert (head.status_code, head.content) == (whole.status_code, b""), path
        for name in ("Content-Type", "ETag"):
            assert head.headers.get(name) == whole.headers.get(name), path


def test_head_of_a_stream_opens_none(world: World, member: Client) -> None:
    for _ in range(40):
        answer = member.session.head(f"{world.server.address}/v1/events/stream", timeout=10)
        assert answer.status_code == 200
        assert answer.content == b""
    metrics = world.admin.ask("GET", "/metrics").text
    assert "isthmus_event_streams 0.0" in metrics


@pytest.mark.parametrize("method", ["TRACE", "CONNECT", "PROPFIND", "get", "X" * 100])
def test_methods_of_other_worlds_are_refused(world: World, method: str) -> None:
    answer = world.admin.session.request(method, f"{world.server.address}/v1/volumes", timeout=10)
    # requests sends small letters as they are; HTTP methods are case-sensitive.
    assert answer.status_code in (400, 405, 501) or method == "get"


def test_a_body_as_large_as_allowed_is_read_and_a_larger_one_is_413(member: Client) -> None:
    start, end = b'{"name": "x", "size": 1048576, "profile": "memory", "description": "', b'"}'
    for size, status in ((BODY_LIMIT, 400), (BODY_LIMIT + 1, 413), (BODY_LIMIT * 20, 413)):
        body = start + b"x" * (size - len(start) - len(end)) + end
        halves = [body[: size // 2], body[size // 2 :]]
        for data in (body, iter(halves)):
            answer = member.ask("POST", "/v1/volumes", data=data, headers={"Content-Type": "application/json"})
            assert answer.status_code == status
    assert member.get("/v1/volumes?name=x")["items"] == []


def test_a_path_beside_the_api_is_a_problem_and_no_redirect(world: World) -> None:
    for path in ("/v2/volumes", "/v1x", "/nothing", "/v1/volumes/a/b/c", "/healthz/x", "/%2e%2e/etc/passwd"):
        assert world.admin.ask("GET", path).status_code == 404, path


def test_the_page_of_the_api_is_served_with_its_policy(world: World) -> None:
    with closing(_open(world)) as session:
        for name in ("docs", "docs.js", "docs.css", "openapi.json"):
            answer = session.get(f"{world.server.address}/v1/{name}", timeout=10)
            assert answer.status_code == 200
            assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
            assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_metrics_show_requests_operations_pools_and_calls(world: World, member: Client) -> None:
    member.volume("counted")
    text = world.admin.ask("GET", "/metrics").text
    for part in (
        'isthmus_http_requests_total{method="POST",route="/v1/volumes",status="202"}',
        'isthmus_operations_total{kind="volume.create",state="done"}',
        'isthmus_operation_seconds_count{kind="volume.create"}',
        'isthmus_driver_calls_total{method="create",outcome="ok",subject="array"}',
        'isthmus_pool_provisioned_bytes{backend="array",pool="pool0",state="available"}',
        "isthmus_backlog ",
        "isthmus_event_streams 0.0",
        "isthmus_build_info{",
        "process_cpu_seconds_total",
    ):
        assert part in text, part
    assert member.get("/v1/whoami")["user"] not in text
    assert world.tenant("blue") not in text


def _open(world: World) -> requests.Session:
    session = world.server.session()
    del session.headers["Authorization"]
    return session
