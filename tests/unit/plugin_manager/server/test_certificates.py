"""The files of the server's certificate."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from isthmus.core.security.authority import (
    Credential,
    issue_client_certificate,
    issue_server_certificate,
    make_authority,
    needs_renewal,
)
from isthmus.plugin_manager.configuration import load
from isthmus.plugin_manager.server import certificates
from isthmus.plugin_manager.settings import Configuration, Tls


@pytest.fixture
def configuration(tmp_path: Path) -> Configuration:
    return load(environment={"ISTHMUS_STATE": str(tmp_path), "ISTHMUS_TLS_NAMES": "storage.example"})


@pytest.fixture(scope="module")
def authority() -> tuple[bytes, bytes]:
    made = make_authority()
    return made.certificate, made.key


def test_the_first_time_all_files_are_made_the_key_for_nobody_else(
    configuration: Configuration, authority: tuple[bytes, bytes]
) -> None:
    assert certificates.ensure(configuration, authority)
    files = certificates.files_of(configuration)
    assert files.complete
    assert files.key.stat().st_mode & 0o777 == 0o600
    assert files.authority.read_bytes() == authority[0]
    # Clients may know the CA only by its place in the chain.
    assert files.certificate.read_bytes().endswith(authority[0])
    assert not needs_renewal(
        files.certificate.read_bytes(), authority=Credential(*authority), names=["storage.example", "127.0.0.1"]
    )


def test_a_good_certificate_stays(configuration: Configuration, authority: tuple[bytes, bytes]) -> None:
    certificates.ensure(configuration, authority)
    assert not certificates.ensure(configuration, authority)


def test_what_servers_of_the_installation_serve_is_vouched_for(
    configuration: Configuration, authority: tuple[bytes, bytes]
) -> None:
    issuer = Credential(*authority)
    another_nodes = issue_server_certificate(issuer, ["other.example"]).certificate
    assert not certificates.vouches(configuration, another_nodes)
    certificates.ensure(configuration, authority)
    assert certificates.vouches(configuration, certificates.files_of(configuration).certificate.read_bytes())
    assert certificates.vouches(configuration, another_nodes)
    for other in (
        issue_server_certificate(make_authority(), ["storage.example"]),
        issue_client_certificate(issuer, "storage.example"),
        issuer,
    ):
        assert not certificates.vouches(configuration, other.certificate)


def test_with_files_of_the_administrators_only_these_are_vouched_for(
    configuration: Configuration, authority: tuple[bytes, bytes], tmp_path: Path
) -> None:
    brought = issue_server_certificate(make_authority(), ["storage.example"])
    (tmp_path / "own.pem").write_bytes(brought.certificate)
    (tmp_path / "own.key").write_bytes(brought.key)
    files = Tls("files", tmp_path / "own.pem", tmp_path / "own.key")
    given = replace(configuration, tls=files)
    certificates.ensure(given, authority)
    issued = issue_server_certificate(Credential(*authority), ["storage.example"]).certificate
    assert certificates.vouches(given, brought.certificate) and not certificates.vouches(given, issued)
    assert not certificates.vouches(replace(configuration, tls=replace(files, mode="off")), brought.certificate)


@pytest.mark.parametrize("damage", ["expired", "other key", "garbage", "other CA"])
def test_what_is_wrong_is_made_anew(configuration: Configuration, authority: tuple[bytes, bytes], damage: str) -> None:
    certificates.ensure(configuration, authority)
    files = certificates.files_of(configuration)
    names = certificates.server_names(configuration)
    if damage == "expired":
        old = issue_server_certificate(
            Credential(*authority), names, days=1, now=datetime.now(UTC) - timedelta(hours=20)
        )
        files.certificate.write_bytes(old.certificate)
        files.key.write_bytes(old.key)
    elif damage == "other key":
        files.key.write_bytes(issue_server_certificate(Credential(*authority), names).key)
    elif damage == "garbage":
        files.certificate.write_bytes(b"\xff garbage")
    else:
        other = issue_server_certificate(make_authority(), names)
        files.certificate.write_bytes(other.certificate)
        files.key.write_bytes(other.key)
    assert certificates.ensure(configuration, authority)
    assert not certificates.ensure(configuration, authority)


def test_a_certificate_that_comes_to_its_end_is_renewed_and_told(
    configuration: Configuration, authority: tuple[bytes, bytes]
) -> None:
    certificates.ensure(configuration, authority)
    stopping, told = threading.Event(), threading.Event()
    files = certificates.files_of(configuration)
    files.certificate.unlink()
    keeper = threading.Thread(
        target=certificates.keep, args=(configuration, authority, stopping, told.set), kwargs={"every": 0.01}
    )
    keeper.start()
    try:
        assert told.wait(10)
        assert files.complete
    finally:
        stopping.set()
        keeper.join(10)
    assert not keeper.is_alive()
