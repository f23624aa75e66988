"""What holds for every route: credentials, parameters, conditions, bodies, problems."""

from __future__ import annotations

import base64
import json
import logging
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from werkzeug.test import TestResponse

from isthmus.core.errors import Invalid, LimitExceeded, NotFound, Overloaded, Stale, StorageError, Unauthenticated
from isthmus.core.model.description import Finding
from isthmus.core.model.page import Page, Query
from isthmus.core.model.volume import Volume, VolumeState
from isthmus.plugin_manager.status import status_of
from isthmus.plugins.rest.routes import events as event_routes
from isthmus.plugins.rest.schema import validator
from tests.unit.rest.site import HEADERS, REQUEST_ID, Site

MOMENT = datetime(2026, 1, 31, 12, tzinfo=UTC)
VOLUME = Volume("v1", "t1", "db1", 1 << 30, "p1", VolumeState.AVAILABLE, "iscsi", MOMENT, MOMENT, version=3)


@pytest.fixture
def site() -> Site:
    return Site()


def problem(answer: TestResponse, status: int) -> Mapping[str, Any]:
    """The problem document, checked."""
    assert answer.status_code == status, answer.text
    assert answer.content_type == "application/problem+json"
    document: Mapping[str, Any] = answer.json  # type: ignore[assignment]
    validator("problem").validate(document)
    assert document["status"] == status
    assert document["request_id"] == REQUEST_ID
    return document


def test_the_first_page_lists_versions_and_mounts(site: Site) -> None:
    document = site.ask("GET", "/", headers={}).json
    validator("index").validate(document)
    assert document is not None
    assert document["versions"][0]["href"] == "/v1"
    assert document["mounts"] == {"/v1": "rest"}


def test_not_ready_is_503_with_what_is_wrong(site: Site) -> None:
    assert site.ask("GET", "/readyz", headers={}).json == {"ready": True, "findings": []}
    site.server.findings = [Finding("target nbd", "warning", "It is not there.")]
    assert site.ask("GET", "/readyz", headers={}).status_code == 200
    site.server.findings = [Finding("database", "error", "It does not answer.", "Start it.")]
    answer = site.ask("GET", "/readyz", headers={})
    assert answer.status_code == 503
    validator("readiness").validate(answer.json)


def test_metrics_ask_for_credentials_only_where_set() -> None:
    assert Site().ask("GET", "/metrics", headers={}).data == b"isthmus_up 1\n"
    closed = Site(metrics_without_credentials=False)
    problem(closed.ask("GET", "/metrics", headers={}), 401)
    problem(closed.ask("GET", "/metrics"), 403)


@pytest.mark.parametrize(
    ("role", "tenant", "status"),
    [
        ("reader", None, 200),
        ("service", None, 200),
        ("admin", None, 200),
        ("admin", "t1", 200),
        ("member", None, 403),
        ("reader", "t1", 403),
    ],
)
def test_metrics_with_credentials_are_for_who_has_the_permission(role: str, tenant: str | None, status: int) -> None:
    closed = Site(metrics_without_credentials=False)
    closed.adapter.role, closed.adapter.tenant = role, tenant
    assert closed.ask("GET", "/metrics").status_code == status


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        "Bearer wrong",
        "Basic",
        "Basic !!!",
        "Basic " + base64.b64encode(b"no colon").decode(),
        "Basic " + base64.b64encode(b"\xff:right").decode(),
        "Basic " + base64.b64encode(b"u\0ser:right").decode(),
        "Basic " + base64.b64encode(b"user:wrong").decode(),
        "Digest right",
        "right",
    ],
)
def test_without_good_credentials_every_route_answers_401(site: Site, header: str | None) -> None:
    headers = {} if header is None else {"Authorization": header}
    for route in site.routes:
        if not route.open:
            answer = site.ask(route.method, route.path, headers=headers)
            problem(answer, 401)
            assert "Basic" in answer.headers["WWW-Authenticate"]


def test_credentials_are_a_token_or_a_name_and_password(site: Site) -> None:
    basic = base64.b64encode(b"ada:with:colons right").decode()
    site.ask("GET", "/v1/whoami", headers={"Authorization": f"basic {basic}", "X-Isthmus-Tenant": "blue"})
    site.ask("GET", "/v1/whoami", headers={"Authorization": "bearer right"})
    (first, tenant), (second, none) = site.adapter.asked
    assert (first.user, first.password, tenant) == ("ada", "with:colons right", "blue")
    assert (second.token, none) == ("right", None)


def test_an_answer_has_its_version_as_etag(site: Site) -> None:
    site.offer("volumes", get=lambda volume: VOLUME)
    answer = site.ask("GET", "/v1/volumes/v1")
    validator("volume").validate(answer.json)
    assert answer.headers["ETag"] == '"3"'
    for given, status in (('"3"', 304), ('"2", "3"', 304), ("*", 304), ('W/"3"', 304), ('"2"', 200)):
        again = site.ask("GET", "/v1/volumes/v1", headers={**HEADERS, "If-None-Match": given})
        assert again.status_code == status, given
        assert again.headers["ETag"] == '"3"'
        assert (again.data == b"") == (status == 304)


@pytest.mark.parametrize(
    ("given", "version"), [(None, None), ("*", None), ('"7"', 7), ('W/"7"', 7), ("7", 7), (' "7" ', 7)]
)
def test_if_match_names_the_version_to_change(site: Site, given: str | None, version: int | None) -> None:
    seen: list[int | None] = []

    def update(volume: str, changes: object, *, if_version: int | None) -> Volume:
        seen.append(if_version)
        return VOLUME

    site.offer("volumes", update=update)
    headers = HEADERS if given is None else {**HEADERS, "If-Match": given}
    assert site.ask("PATCH", "/v1/volumes/v1", json={"name": "x"}, headers=headers).status_code == 200
    assert seen == [version]


@pytest.mark.parametrize("given", ["", '"a"', '"1", "2"', '"-1"', '"1', "²", '"' + "9" * 30 + '"'])
def test_an_if_match_that_is_no_version_is_refused(site: Site, given: str) -> None:
    site.offer("volumes", update=lambda *given, **named: pytest.fail("it was asked"))
    headers = {**HEADERS, "If-Match": given.encode().decode("latin-1")}
    problem(site.ask("PATCH", "/v1/volumes/v1", json={"name": "x"}, headers=headers), 400)


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=1001",
        "limit=1.5",
        "limit=1_0",
        "limit=%C2%B2",
        "limit=-1",
        "limit=nan",
        "limit=" + "9" * 40,
        "limit=",
        "limit=5&limit=6",
        "all_tenants=perhaps",
        "total=2",
    ],
)
def test_a_page_that_cannot_be_is_refused(site: Site, query: str) -> None:
    site.offer("volumes", list=lambda query: Page([VOLUME]))
    problem(site.ask("GET", f"/v1/volumes?{query}"), 400)


def test_a_list_is_asked_for_as_said(site: Site) -> None:
    asked: list[Query] = []

    def listed(query: Query) -> Page[Volume]:
        asked.append(query)
        return Page([VOLUME], "next-page", 7)

    site.offer("volumes", list=listed)
    answer = site.ask("GET", "/v1/volumes?state=available&sort=-name&limit=7&cursor=abc&all_tenants=true&total=1")
    assert asked == [Query({"state": "available"}, "-name", 7, "abc", all_tenants=True, with_total=True)]
    assert answer.json is not None
    assert (answer.json["next"], answer.json["total"], len(answer.json["items"])) == ("next-page", 7, 1)


@pytest.mark.parametrize("wait", ["-1", "31", "nan", "inf", "1e1", "abc", "", "1;2"])
def test_a_wait_that_cannot_be_is_refused(site: Site, wait: str) -> None:
    site.offer("operations", wait=lambda *given: pytest.fail("it was asked"))
    problem(site.ask("GET", f"/v1/operations/o1?wait={wait}"), 400)


def test_who_finds_no_place_to_wait_is_told_how_it_is_at_once(site: Site) -> None:
    waits: list[float] = []

    def wait(name: str, seconds: float) -> dict[str, Any]:
        waits.append(seconds)
        return {}

    site.offer("operations", wait=wait)
    with site.places.taken():
        assert site.ask("GET", "/v1/operations/o1?wait=20").status_code == 200
        with site.places.taken():
            assert site.ask("GET", "/v1/operations/o1?wait=20").status_code == 200
    assert site.ask("GET", "/v1/operations/o1?wait=20").status_code == 200
    assert waits == [20, 0, 20]


@pytest.mark.parametrize("change", ["revoked", "another role", "another tenant"])
def test_a_stream_ends_with_the_right_to_it(site: Site, monkeypatch: pytest.MonkeyPatch, change: str) -> None:
    monkeypatch.setattr(event_routes, "RECHECK_SECONDS", 0.0)

    def feed() -> Iterator[bytes]:
        yield b"data: first\n\n"
        if change == "revoked":
            site.adapter.right = "another"
        elif change == "another role":
            site.adapter.role = "reader"
        else:
            site.adapter.tenant = "t2"
        yield b"data: second\n\n"

    site.offer("events", stream=lambda number, render: Feed(feed()))
    assert site.ask("GET", "/v1/events/stream").data == b"data: first\n\n"


class Feed:
    def __init__(self, chunks: Iterator[bytes]) -> None:
        self.chunks = chunks

    def __iter__(self) -> Iterator[bytes]:
        return self.chunks

    def close(self) -> None:
        pass


def test_parameters_that_a_route_does_not_know_are_refused(site: Site) -> None:
    for route in site.routes:
        if not route.listed:
            said = problem(site.ask(route.method, f"{route.path}?sucht=1", headers=HEADERS), 400)
            assert "sucht" in said["detail"]


def test_a_body_where_none_belongs_is_refused(site: Site) -> None:
    problem(site.ask("DELETE", "/v1/volumes/v1", json={"with_snapshots": True}), 400)


@pytest.mark.parametrize("media", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
def test_a_body_that_is_not_declared_as_json_is_415(site: Site, media: str) -> None:
    problem(site.ask("POST", "/v1/volumes", data=b'{"name": "x"}', content_type=media), 415)


def test_faults_of_a_body_are_told_by_place_and_without_the_value(site: Site) -> None:
    body = {"name": "x", "tenant": None, "roles": ["king"], "password": "hunter2", "colour": 1}
    said = problem(site.ask("POST", "/v1/users", json=body), 400)
    assert "hunter2" not in json.dumps(said)
    assert {fault["pointer"] for fault in said["details"]["faults"]} == {"/", "/roles/0", "/password"}
    assert any("colour" in fault["fault"] for fault in said["details"]["faults"])


@pytest.mark.parametrize("key", ["", "k" * 201, "a\tb"])
def test_an_idempotency_key_that_is_none_is_refused(site: Site, key: str) -> None:
    site.offer("volumes", create=lambda *given, **named: pytest.fail("it was asked"))
    problem(site.ask("POST", "/v1/volumes", json={"name": "x"}, headers={**HEADERS, "Idempotency-Key": key}), 400)


def test_what_is_made_at_once_takes_no_idempotency_key(site: Site) -> None:
    site.offer("hosts", create=lambda *given, **named: pytest.fail("it was asked"))
    said = problem(site.ask("POST", "/v1/hosts", json={"name": "x"}, headers={**HEADERS, "Idempotency-Key": "k"}), 400)
    assert "POST /v1/hosts takes no Idempotency-Key" in said["detail"] and said["next_step"]


@pytest.mark.parametrize(
    "path", ["/v1/nothing", "/v1/volumes/a/b", "/v1//volumes", "/v1/volumes/%00", "/v1/volumes/" + "x" * 256]
)
def test_a_path_that_is_none_is_404(site: Site, path: str) -> None:
    problem(site.ask("GET", path), 404)


def test_an_encoded_slash_does_not_lead_elsewhere(site: Site) -> None:
    site.offer("volumes", get=lambda volume: pytest.fail("it was asked"))
    problem(site.ask("GET", "/v1/volumes/..%2F..%2Fetc%2Fpasswd"), 404)


def test_another_method_is_405_with_those_there_are(site: Site) -> None:
    answer = site.ask("PUT", "/v1/volumes")
    problem(answer, 405)
    assert set(answer.headers["Allow"].split(", ")) == {"GET", "HEAD", "OPTIONS", "POST"}


def test_a_redirect_is_never_answered(site: Site) -> None:
    for path in ("/v1/", "/v1/volumes/", "//v1/volumes", "/healthz/"):
        assert site.ask("GET", path, headers={**HEADERS, "Host": "evil.example"}).status_code // 100 != 3


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (Invalid("x"), 400),
        (NotFound("x"), 404),
        (Stale("x"), 412),
        (LimitExceeded("x"), 403),
        (StorageError("x"), 502),
        (Overloaded("x", retry_after=7), 503),
    ],
)
def test_an_error_of_isthmus_becomes_a_problem(site: Site, error: Exception, status: int) -> None:
    def fail(volume: str) -> None:
        raise error

    site.offer("volumes", get=fail)
    answer = site.ask("GET", "/v1/volumes/v1")
    problem(answer, status)
    if status == 503:
        assert answer.headers["Retry-After"] == "7"


def test_a_locked_user_is_told_when_to_come_back(site: Site) -> None:
    assert status_of(Unauthenticated("x")) == 401

    def locked(*given: object, **named: object) -> None:
        raise Unauthenticated("Too many failed attempts.", retry_after=60)

    site.adapter.authenticate = locked  # type: ignore[method-assign,assignment]
    assert site.ask("GET", "/v1/whoami").headers["Retry-After"] == "60"


def test_a_defect_tells_nothing_and_is_logged(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    def fail(volume: str) -> None:
        raise RuntimeError("the password is hunter2")

    site.offer("volumes", get=fail)
    with caplog.at_level(logging.ERROR):
        answer = site.ask("GET", "/v1/volumes/v1")
    assert "hunter2" not in answer.text
    assert problem(answer, 500)["code"] == "internal"
    assert "a defect in GET /v1/volumes/v1" in caplog.text


def test_requests_are_counted_by_the_pattern_of_their_path(site: Site) -> None:
    routes: list[str] = []
    application = site.app.wsgi_app

    def spying(environ: dict[str, Any], start_response: Any) -> Any:
        try:
            return application(environ, start_response)
        finally:
            routes.append(environ.get("isthmus.route", "none"))

    site.app.wsgi_app = spying  # type: ignore[method-assign]
    site.offer("volumes", get=lambda volume: VOLUME)
    site.ask("GET", "/v1/volumes/v1")
    site.ask("GET", "/v1/nothing")
    assert routes == ["/v1/volumes/{volume}", "none"]
