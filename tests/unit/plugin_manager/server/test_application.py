"""The one application: where requests go, and what comes back whatever a plugin does."""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest

from isthmus.plugin_manager.server.application import Front, Mounts

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


def saying(text: str, *headers: tuple[str, str]) -> Application:
    def answer(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        start_response("200 OK", [("Content-Type", "text/plain"), *headers])
        return [text.encode()]

    return answer


class Site:
    """A front with what is mounted on it, asked without a network."""

    def __init__(self, **mounted: Application) -> None:
        self.mounts = Mounts()
        self.stopping = threading.Event()
        for name, application in mounted.items():
            self.mounts.add(f"/{name}", name, application)
        self.front = Front(
            self.mounts, body_limit=10, streams=2, stopping=self.stopping, index=lambda: {"product": "Isthmus"}
        )

    def ask(self, path: str, body: bytes | None = None, **environ: str) -> Answer:
        answer = Answer()
        given: dict[str, Any] = {"REQUEST_METHOD": "GET", "PATH_INFO": path, "wsgi.input": io.BytesIO(body or b"")}
        answer.produced = self.front({**given, **environ}, answer)
        return answer


class Answer:
    produced: Iterable[bytes]

    def __call__(self, status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> None:
        self.status, self.headers = int(status[:3]), {name.lower(): value for name, value in headers}

    @property
    def body(self) -> bytes:
        return b"".join(self.produced)

    def close(self) -> None:
        self.produced.close()  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("path", "owner"),
    [
        ("/v1", "outer"),
        ("/v1/volumes", "outer"),
        ("/v1/deep/er", "inner"),
        ("/v1/deep/er/and/deeper", "inner"),
        ("/v1/deeper", "outer"),
        ("/v1x", None),
        ("/", "root"),
        ("/volumes", None),
        ("//v1", None),
        ("/v1/", "outer"),
        ("", None),
    ],
)
def test_the_longest_prefix_of_whole_names_wins(path: str, owner: str | None) -> None:
    mounts = Mounts()
    for prefix, name in (("/v1", "outer"), ("/v1/deep/er", "inner"), ("/", "root")):
        mounts.add(prefix, name, saying(name))
    found = mounts.find(path)
    assert (b"".join(found({}, lambda *_: None)).decode() if found else None) == owner


def test_a_prefix_belongs_to_one_plugin() -> None:
    mounts = Mounts()
    mounts.add("/v1", "first", saying(""))
    with pytest.raises(ValueError, match="belongs to the plugin first"):
        mounts.add("/v1", "second", saying(""))
    mounts.remove("first")
    mounts.add("/v1", "second", saying(""))
    assert mounts.table() == {"/v1": "second"}


@pytest.mark.parametrize("prefix", ["", "v1", "/v1/", "//", "/a b", "/a?b", "/../x/"])
def test_a_malformed_prefix_is_refused(prefix: str) -> None:
    with pytest.raises(ValueError, match="is no prefix"):
        Mounts().add(prefix, "p", saying(""))


def test_a_plugin_sees_the_whole_path_and_the_request_id() -> None:
    seen: dict[str, Any] = {}

    def look(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        seen.update(environ)
        return saying("")(environ, start_response)

    answer = Site(p=look).ask("/p/some/thing")
    assert seen["PATH_INFO"] == "/p/some/thing"
    assert seen["isthmus.request_id"] == answer.headers["x-request-id"]


def test_a_plugins_own_headers_stand() -> None:
    own = ("Content-Security-Policy", "frame-ancestors https://vcenter.example")
    answer = Site(p=saying("", own, ("Cache-Control", "max-age=60"))).ask("/p")
    assert answer.headers["content-security-policy"] == own[1]
    assert answer.headers["cache-control"] == "max-age=60"
    # The policy says who may frame it; the older header would forbid that.
    assert "x-frame-options" not in answer.headers


def fails_at_once(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    raise RuntimeError("secret")


def fails_halfway(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    start_response("200 OK", [("Content-Length", "10")])

    def produce() -> Iterator[bytes]:
        yield b"first"
        raise RuntimeError("secret")

    return produce()


def never_begins(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    return []


def begins_late(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    start_response("201 Created", [])
    yield b"first "
    yield b"second"


@pytest.mark.parametrize("application", [fails_at_once, fails_halfway, never_begins])
def test_an_error_becomes_a_problem_without_a_trace(application: Application) -> None:
    answer = Site(p=application).ask("/p")
    assert answer.status == 500
    document = json.loads(answer.body)
    assert document["code"] == "internal"
    assert document["request_id"] == answer.headers["x-openstack-request-id"]
    assert "secret" not in str(document)


def test_an_application_may_give_its_status_with_the_first_part() -> None:
    answer = Site(p=begins_late).ask("/p")
    assert (answer.status, answer.body) == (201, b"first second")


def test_a_stream_that_fails_ends_and_gives_its_place_back() -> None:
    def stream(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        start_response("200 OK", [("Content-Type", "text/event-stream; charset=utf-8")])

        def produce() -> Iterator[bytes]:
            yield b"first"
            raise RuntimeError("secret")

        return produce()

    site = Site(p=stream)
    assert site.ask("/p").body == b"first"
    assert site.front.streams == 0
    assert site.front.drain(0)


def endless(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    start_response("200 OK", [("Content-Type", "text/event-stream")])

    def produce() -> Iterator[bytes]:
        while True:
            yield b": heartbeat\n\n"

    return produce()


def test_streams_have_a_budget_of_their_own() -> None:
    site = Site(p=endless)
    open_ones = [site.ask("/p") for _ in range(2)]
    refused = site.ask("/p")
    assert (refused.status, refused.headers["retry-after"]) == (503, "5")
    assert not site.front.drain(0)
    for stream in open_ones:
        stream.close()
        stream.close()
    assert site.front.streams == 0
    assert site.front.drain(0)
    assert site.ask("/p").status == 200


def test_bodies_are_limited_declared_or_not() -> None:
    def read(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        return saying(str(len(environ["wsgi.input"].read())))(environ, start_response)

    def swallows(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        try:
            environ["wsgi.input"].read()
        except ValueError:
            return saying("as if nothing had happened")(environ, start_response)
        return []

    site = Site(p=read, q=swallows)
    assert site.ask("/p", b"x" * 10).body == b"10"
    assert site.ask("/p", b"x" * 10, CONTENT_LENGTH="10").body == b"10"
    for answer in (
        site.ask("/p", b"x" * 11),
        site.ask("/q", b"x" * 11),
        site.ask("/p", b"", CONTENT_LENGTH="11"),
        site.ask("/p", b"", CONTENT_LENGTH="9" * 5000),
    ):
        assert answer.status == 413
        assert json.loads(answer.body)["code"] == "too_large"
    assert site.ask("/p", b"", CONTENT_LENGTH="").status == 200
    assert site.ask("/p", b"", CONTENT_LENGTH="\u00b2").status == 400


def test_a_stopping_server_takes_no_new_requests() -> None:
    site = Site(p=saying(""))
    site.stopping.set()
    answer = site.ask("/p")
    assert (answer.status, answer.headers["connection"]) == (503, "close")
    assert answer.headers["retry-after"]


def test_what_is_not_mounted_is_not_found_and_the_index_is_there_for_reading_only() -> None:
    site = Site()
    assert json.loads(site.ask("/").body) == {"product": "Isthmus"}
    assert site.ask("/", REQUEST_METHOD="POST").status == 404
    assert site.ask("/v1").status == 404
