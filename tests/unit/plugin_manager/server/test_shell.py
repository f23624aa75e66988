"""What the server lets plugins ask of it."""

from __future__ import annotations

import threading
from typing import cast

import pytest

from isthmus.core.context import Context
from isthmus.core.errors import Forbidden
from isthmus.core.model.description import Finding
from isthmus.plugin_manager.configuration import load
from isthmus.plugin_manager.manager import Manager
from isthmus.plugin_manager.server.shell import Shell


def test_metrics_for_a_caller_need_the_permission(tmp_path: object) -> None:
    shell = Shell(load(environment={"ISTHMUS_STATE": str(tmp_path)}), cast(Manager, None), threading.Event())
    exposed, kind = shell.metrics()
    assert b"isthmus" in exposed and kind.startswith("text/plain")
    assert shell.metrics(Context("t1", "u1", frozenset({"admin"})))[1] == kind
    with pytest.raises(Forbidden, match="metrics:read"):
        shell.metrics(Context(None, "u2", frozenset({"member"})))


def test_a_plugin_may_know_where_the_server_listens_and_how_clients_reach_it(tmp_path: object) -> None:
    given = {"ISTHMUS_STATE": str(tmp_path), "ISTHMUS_LISTEN_HOST": "0.0.0.0", "ISTHMUS_DATA_PATH_ADDRESS": "192.0.2.1"}
    shell = Shell(load(environment=given), cast(Manager, None), threading.Event())
    assert (shell.host, shell.address) == ("0.0.0.0", "https://192.0.2.1:7460")


def test_what_some_parts_find_is_asked_of_them_alone_and_who_cannot_say_is_an_error(tmp_path: object) -> None:
    shell = Shell(load(environment={"ISTHMUS_STATE": str(tmp_path)}), cast(Manager, None), threading.Event())

    def broken() -> list[Finding]:
        raise RuntimeError

    shell.questions |= {
        "engine": lambda: [Finding("engine", "error", "Starting.")],
        "farm": lambda: [Finding("farm b1", "warning", "The door is locked.")],
        "shed": broken,
    }
    found = [(each.check, each.level) for each in shell.answers(["farm", "shed"])]
    assert found == [("farm b1", "warning"), ("shed", "error")]
    assert [(each.check, each.level) for each in shell.ready()] == [("engine", "error"), *found]
