"""`isthmus db upgrade`: brings the tables to this release, unless that would strand unfinished operations."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Mapping
from typing import Any

from ...core.engine.engine import Engine
from ...core.engine.first_start import Prepared
from ...core.errors import IsthmusError, NotOffered
from ...core.security.authority import Credential
from ...core.security.keys import LocalKey
from ...core.security.sealing import Sealer
from ...core.store import upgrade as tables
from ...core.store.database import Database
from ...core.store.records import OwnedRecords
from ..actions import Catalogue
from ..contract import PluginSetup
from ..manager import Choice, Manager
from ..settings import Configuration
from .lock import StateLock
from .parts import engine_settings
from .preparation import make_folders, open_database
from .shell import Shell

_log = logging.getLogger(__name__)


def upgrade(configuration: Configuration) -> bool:
    """Bring the tables to this release, all or nothing; returns whether anything was done.

    Raises `Conflict` while a server of this state folder runs, or while there are unfinished operations that this
    release cannot run; `Misconfigured` when the database is of a later release; `Unavailable` when it does not answer.
    """
    make_folders(configuration)
    lock = StateLock(configuration.state)
    lock.acquire()
    try:
        database = open_database(configuration)
        try:
            return tables.upgrade(database, lambda: _supported(configuration, database))
        finally:
            database.close()
    finally:
        lock.release()


def _supported(configuration: Configuration, database: Database) -> Mapping[str, set[int]]:
    """The flows of the core and of all plugins that can be loaded; nothing of them is run."""
    sealer = Sealer([LocalKey(os.urandom(32))])
    nobody = Prepared(signer=os.urandom(32), authority=Credential(b"", b""), token=None)
    manager = Manager(_NoChoices())
    shell = Shell(configuration, manager, threading.Event())
    catalogue = Catalogue(lambda context, permission: None)
    flows = []
    for name, kind in manager.loadable("plugins"):
        try:
            setup = PluginSetup(
                name=name,
                settings=manager.settings("plugins", name, kind.settings_schema),
                systems={},
                records=OwnedRecords(database, f"plugin:{name}", sealer),
                submit=_no_submit,
                server=shell,
                actions=catalogue,
                stopping=shell.stopping,
            )
            flows += kind(setup).flows()
        except Exception as error:
            _log.warning("the flows of the plugin %s are not known", name, exc_info=error)
    engine = Engine(engine_settings(configuration), database, sealer=sealer, prepared=nobody, drivers={}, flows=flows)
    supported: dict[str, set[int]] = {}
    for kind_name, version in engine.parts.flows.loaded:
        supported.setdefault(kind_name, set()).add(version)
    return supported


class _NoChoices:
    """The table of choices may have another shape before the upgrade: everything that is installed counts."""

    def all(self) -> Mapping[tuple[str, str], Choice]:
        return {}

    def put(self, namespace: str, name: str, **choice: Any) -> None:
        raise NotOffered("Nothing can be configured during an upgrade.")


def _no_submit(*arguments: Any, **options: Any) -> Any:
    raise IsthmusError("Nothing can be done during an upgrade.")
