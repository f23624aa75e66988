"""What must be there before anything is served: folders, keys, tables, the CA, a certificate, the first token."""

from __future__ import annotations

import json
import logging
import os
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from ...core.engine.first_start import DEFAULT_TENANT, INSTALLATION, Prepared, new_administrator_token, prepare
from ...core.errors import Misconfigured
from ...core.security.keys import BUILT_IN, ENTRY_POINTS, FileKeys, KeySource, KeySourceFactory, key_source
from ...core.security.sealing import Sealer
from ...core.store import secrets, upgrade
from ...core.store.database import Database
from ..configuration import hidden_url
from ..settings import Configuration
from . import certificates

_log = logging.getLogger(__name__)

TOKEN_FILE = "admin.token"  # noqa: S105 - a file's name
CLIENT_FILE = "client.toml"
_MARK = "first-start"


@dataclass(frozen=True, slots=True)
class Installation:
    """An installation that is ready to be served."""

    database: Database
    sealer: Sealer
    prepared: Prepared


def make_ready(configuration: Configuration) -> Installation:
    """Make what is missing and open the installation; idempotent, and safe in several processes at once.

    Raises `Misconfigured` when the database is of another release (`isthmus db upgrade` mends an older one), a key is
    missing or a folder cannot be used, `Unavailable` when the database does not answer.
    """
    make_folders(configuration)
    database = open_database(configuration)
    try:
        check_tables(database)
        sealer = open_sealer(configuration, database)
        # Left behind by a start that died after the token was made and before it was written down.
        mark = configuration.state / _MARK
        interrupted = mark.exists()
        mark.touch(mode=0o600)
        prepared = prepare(database, sealer)
        token = prepared.token
        if token is None and interrupted and not (configuration.state / TOKEN_FILE).exists():
            token = new_administrator_token(database)
        authority = prepared.authority
        if configuration.tls.mode != "off":
            certificates.ensure(configuration, (authority.certificate, authority.key))
        _hand_over(configuration, token, authority.certificate)
        mark.unlink(missing_ok=True)
    except BaseException:
        database.close()
        raise
    return Installation(database, sealer, prepared)


def make_folders(configuration: Configuration) -> None:
    """Make the state and runtime folders; raises `Misconfigured`."""
    for folder in (configuration.state, configuration.runtime):
        try:
            # Daemons of another account pass through; nothing in it is readable to them by that.
            folder.mkdir(parents=True, exist_ok=True, mode=0o711)
        except OSError as error:
            raise Misconfigured(
                f"The folder {folder} cannot be made: {error.strerror}.",
                next_step="Give its parent to the user that runs Isthmus, or set another one.",
            ) from None
        if not os.access(folder, os.W_OK | os.X_OK):
            raise Misconfigured(
                f"The folder {folder} cannot be written to.", next_step="Give it to the user that runs Isthmus."
            )


def open_database(configuration: Configuration) -> Database:
    """The database of the configuration, not yet connected to; raises `Misconfigured`."""
    try:
        url = make_url(configuration.database)
        if url.drivername == "postgresql":
            url = url.set(drivername="postgresql+psycopg")
        return Database(url.render_as_string(hide_password=False))
    except (ArgumentError, ImportError, ValueError):
        # Without its cause: a parser's complaint quotes the URL, password included.
        raise Misconfigured(
            f"The database URL {hidden_url(configuration.database)} cannot be used.",
            next_step="Use sqlite:///path or postgresql://user:password@host/name (pip install 'isthmus[postgresql]').",
        ) from None


def open_sealer(configuration: Configuration, database: Database) -> Sealer:
    """The sealer with the keys of the key source."""
    return Sealer(open_key_source(configuration, database).load())


def open_key_source(configuration: Configuration, database: Database) -> KeySource:
    """Where the root keys come from; a key file is made only while nothing is sealed yet."""
    with database.read() as tx:
        sealed = secrets.get(tx, INSTALLATION, "authority") is not None

    def file_keys(place: str) -> FileKeys:
        return FileKeys(Path(place), create=not sealed)

    factories: dict[str, KeySourceFactory] = {**BUILT_IN, "file": file_keys}
    scheme = configuration.key_source.partition(":")[0]
    for point in entry_points(group=ENTRY_POINTS, name=scheme):
        factories.setdefault(scheme, point.load())
    return key_source(configuration.key_source, factories)


def check_tables(database: Database) -> None:
    """Make the tables where there are none; raises `Misconfigured` when they are of another release."""
    if not upgrade.pending(database):
        return
    if upgrade.current(database) is None:
        upgrade.upgrade(database)
        return
    raise Misconfigured(
        "The database was made by an earlier release.",
        next_step="Back it up, stop all servers, then run `isthmus db upgrade`.",
    )


def _hand_over(configuration: Configuration, token: str | None, authority: bytes) -> None:
    """Write the administrator's token, and the file by which the command line finds this server. Both 0600."""
    if token is not None:
        _write(configuration.state / TOKEN_FILE, token + "\n")
        _log.info("the administrator's token is in %s", configuration.state / TOKEN_FILE)
    try:
        kept = (configuration.state / TOKEN_FILE).read_text().strip()
    except OSError:
        kept = ""
    # An administrator of the installation acts for a tenant; the first one is there to begin with.
    lines = {"address": configuration.url, "token": kept, "tenant": DEFAULT_TENANT}
    if configuration.tls.mode == "own":
        lines["ca"] = authority.decode("ascii")
    # JSON strings are TOML strings.
    text = "".join(f"{name} = {json.dumps(value)}\n" for name, value in lines.items() if value)
    _write(configuration.state / CLIENT_FILE, text)


def _write(path: Path, text: str) -> None:
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    fresh.replace(path)
