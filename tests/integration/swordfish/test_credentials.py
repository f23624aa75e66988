"""Where credentials count: over TLS only, and on every server of an installation alike."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.environment.postgresql import Server as PostgreSQL
from tests.environment.postgresql import postgresql_server
from tests.environment.redfish import (
    ADMINISTRATOR,
    PASSWORD,
    SESSIONS,
    RedfishClient,
    RedfishService,
    redfish_service,
)
from tests.environment.server import RunningServer, running_server

__all__ = ["postgresql_server"]

ROOT = "/redfish/v1"


@pytest.fixture
def database(postgresql_server: PostgreSQL) -> Iterator[str]:
    name = postgresql_server.create_database()
    yield postgresql_server.url(name)
    postgresql_server.drop_database(name)


def other_side(client: RedfishClient, server: RunningServer) -> requests.Session:
    """The same session's token, shown to another server."""
    session = requests.Session()
    session.trust_env = False
    session.verify = str(server.ca)
    session.headers["X-Auth-Token"] = str(client.session.headers["X-Auth-Token"])
    return session


@pytest.mark.server
def test_who_logs_out_on_one_server_is_out_on_the_other(tmp_path: Path, database: str) -> None:
    with redfish_service(tmp_path / "a", database=database) as service:
        key = f"file:{service.server.state}/root.key"
        # Only the first start of an installation makes an administrator's token.
        state = tmp_path / "b" / "state"
        state.mkdir(parents=True, mode=0o700)
        (state / "admin.token").write_text(service.server.token)
        with running_server(tmp_path / "b", database=database, node="n2", key_source=key) as second:
            client = service.logged_in()
            [session] = client.members(SESSIONS)
            elsewhere = other_side(client, second)
            for _ in range(3):
                assert elsewhere.get(second.address + session, timeout=30).status_code == 200
                assert client.get(session).status_code == 200
            assert client.delete(session).status_code == 204
            assert elsewhere.get(second.address + session, timeout=30).status_code == 401
            assert client.get(session).status_code == 401
            again = service.logged_in()
            elsewhere = other_side(again, second)
            [session] = again.members(SESSIONS)
            assert again.get(SESSIONS).status_code == 200
            assert elsewhere.delete(second.address + session, timeout=30).status_code == 204
            assert again.get(SESSIONS).status_code == 401
            elsewhere.close()


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedfishService]:
    """A service without TLS."""
    with redfish_service(tmp_path_factory.mktemp("plain"), tls={"mode": "off"}) as running:
        yield running


@pytest.mark.parametrize("path", [SESSIONS, f"{ROOT}/AccountService", f"{ROOT}/StorageServices", f"{ROOT}/nothing"])
def test_credentials_in_the_clear_are_not_taken(plain: RedfishService, path: str) -> None:
    strangers = plain.client(None)
    for client in (plain.client(ADMINISTRATOR, PASSWORD), plain.client(ADMINISTRATOR, "not the one"), strangers):
        answer = client.get(path)
        assert answer.status_code == 403
        assert "https" in answer.json()["error"]["@Message.ExtendedInfo"][0]["Resolution"]
        assert "WWW-Authenticate" not in answer.headers


def test_nobody_logs_in_in_the_clear(plain: RedfishService) -> None:
    client = plain.client(None)
    for password in (PASSWORD, "not the one"):
        answer = client.post(SESSIONS, {"UserName": ADMINISTRATOR, "Password": password})
        assert answer.status_code == 403
        assert "X-Auth-Token" not in answer.headers and password not in answer.text


def test_what_needs_no_credentials_is_there_in_the_clear(plain: RedfishService) -> None:
    client = plain.client(None)
    for path in ("/redfish", f"{ROOT}/", f"{ROOT}/odata", f"{ROOT}/$metadata"):
        assert client.get(path).status_code == 200, path
        # Who sends a password all the same is told not to.
        assert plain.client().get(path).status_code == 403, path
