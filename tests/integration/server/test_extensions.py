"""What an administrator disables and configures, over a restart."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from tests.integration.server.running import Server

_ROW = "insert into extensions (namespace, name, enabled, settings, updated_at, version) values (?, ?, ?, ?, ?, 1)"


def ask(server: Server, method: str, path: str, body: Any = None) -> Any:
    token = (server.state / "admin.token").read_text().strip()
    return server.request(method, path, json=body, headers={"Authorization": f"Bearer {token}"})


def findings(server: Server, path: str) -> dict[str, str]:
    found = ask(server, "GET", path).json()
    return {each["check"]: each["text"] for each in found.get("items", found.get("findings"))}


def test_nobody_locks_the_installation_up_and_what_falls_out_is_told(tmp_path: Path) -> None:
    server = Server(tmp_path)
    try:
        server.start()
        for needed in ("plugins/rest", "adapters/local", "dispatchers/local"):
            refused = ask(server, "PATCH", f"/v1/extensions/{needed}", {"enabled": False})
            assert refused.status_code == 409 and "stays enabled" in refused.text, needed
        assert ask(server, "POST", "/v1/backends", {"name": "array", "driver": "memory"}).status_code == 201
        used = ask(server, "PATCH", "/v1/extensions/drivers/memory", {"enabled": False})
        assert (used.status_code, used.json()["code"]) == (409, "in_use")
        assert "array" in used.json()["detail"]
        assert (
            ask(server, "PATCH", "/v1/extensions/targets/nbd", {"settings": {"first_port": 15000}}).status_code == 400
        )
        assert not {"target nbd", "extension"} & set(findings(server, "/v1/doctor"))
        server.stop()
        # As a release left it that refused none of this.
        with closing(sqlite3.connect(server.state / "isthmus.db")) as database:
            now = database.execute("select updated_at from backends").fetchone()[0]
            for namespace, name, enabled, settings in (
                ("plugins", "rest", False, {}),
                ("dispatchers", "local", False, {}),
                ("drivers", "memory", False, {}),
                ("targets", "nbd", True, {"first_port": 15000}),
            ):
                database.execute(_ROW, (namespace, name, enabled, json.dumps(settings), now))
            database.commit()
        server.start()
        shown = ask(server, "GET", "/v1/extensions/dispatchers/local").json()
        assert (shown["state"], shown["enabled"]) == ("loaded", True)
        told = findings(server, "/v1/doctor")
        assert "last_port is smaller than first_port" in told["target nbd"]
        assert told["back end array"].startswith("The driver memory is disabled")
        assert "last_port" not in findings(server, "/readyz")["target nbd"]
        refused = ask(server, "POST", "/v1/backends", {"name": "other", "driver": "memory"})
        assert "isthmus plugin enable drivers memory" in refused.text
    finally:
        server.stop()
