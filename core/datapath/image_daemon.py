"""One qemu-storage-daemon per open image: it opens the image, serves it over NBD or FUSE and changes it live.

The daemon is found by a name (a placement's id). What is inside it has fixed names, so that any process can go on
where another stopped: the node `disk` is what exports hang on; the layers of the image lie under it, and a snapshot
or a merge exchanges them without touching the exports.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import Failed, Transient
from . import process
from .nodelay import send_at_once
from .qmp import DaemonGone, Qmp

DISK = "disk"
_NODE = "n-"
_TLS, _ALLOWED = "tls", "allowed"
_PAUSE = 0.002


@dataclass(frozen=True, slots=True)
class Layer:
    """One file of an image. `name` is at most 29 letters and digits (qemu allows 31 for a node's name).

    `thin`: blocks that hosts discard are given back to the file system.
    """

    name: str
    path: Path
    format: str
    thin: bool = True

    @property
    def node(self) -> str:
        return f"{_NODE}{self.name}"

    def options(self, backing: dict[str, Any] | None) -> dict[str, Any]:
        """What blockdev-add wants to open this layer on top of `backing`.

        Nothing is said about lower layers being read-only: they are, and a merge could not change what was said.
        """
        discard = "unmap" if self.thin else "ignore"
        opened: dict[str, Any] = {
            "driver": self.format,
            "node-name": self.node,
            "discard": discard,
            "file": {
                "driver": "file",
                "node-name": f"f-{self.name}",
                "filename": str(self.path),
                "discard": discard,
            },
        }
        if self.format == "qcow2":
            opened["backing"] = backing
        return opened


@dataclass(frozen=True, slots=True)
class Listening:
    """Where an NBD server listens: a Unix `socket`, or `host` and `port` (a number, chosen by the caller)."""

    socket: Path | None = None
    host: str = ""
    port: int = 0

    def document(self) -> dict[str, Any]:
        if self.socket is not None:
            return {"type": "unix", "data": {"path": str(self.socket)}}
        return {"type": "inet", "data": {"host": self.host, "port": str(self.port)}}


class ImageDaemon:
    """A running daemon, known by its control socket. Every method opens a session of its own and closes it again."""

    def __init__(self, control: Path, timeout: float) -> None:
        self.control = control
        self._timeout = timeout

    def alive(self) -> bool:
        """Whether it answers."""
        try:
            with self._session():
                return True
        except DaemonGone:
            return False

    def layers(self) -> tuple[str, ...]:
        """The names of the open image's layers, the writable one first; empty when no image is open."""
        with self._session() as qmp:
            return _chain(qmp)

    def open(self, layers: Sequence[Layer]) -> tuple[str, ...]:
        """Open an image, given from its top layer to its base; returns `layers()`, which are others when an image was
        open already."""
        with self._session() as qmp:
            if not _has_node(qmp, DISK):
                opened: dict[str, Any] | None = None
                for layer in reversed(layers):
                    opened = layer.options(opened)
                qmp.run("blockdev-add", driver="raw", node_name=DISK, file=opened)
            return _chain(qmp)

    def connect(self, socket: Path, export: str, *, reconnect_seconds: int) -> None:
        """Open, in place of an image, an export of another NBD server on a Unix socket."""
        with self._session() as qmp:
            if not _has_node(qmp, DISK):
                remote = {
                    "driver": "nbd",
                    "node-name": "remote",
                    "server": {"type": "unix", "path": str(socket)},
                    "export": export,
                    "reconnect-delay": reconnect_seconds,
                }
                qmp.run("blockdev-add", driver="raw", node_name=DISK, file=remote)

    def close(self) -> None:
        """Close the image; exports of it must have been removed. Absent is success."""
        with self._session() as qmp:
            self._cancel_merge(qmp)
            if _has_node(qmp, DISK):
                qmp.run("blockdev-del", node_name=DISK)
            _forget_unused(qmp)

    def size(self) -> int:
        """The size that exports show, in bytes."""
        with self._session() as qmp:
            return _size(qmp)

    def resize(self, size: int) -> None:
        """Grow the image to `size` bytes. Refused by qemu while an NBD export of it exists."""
        with self._session() as qmp:
            if _size(qmp) < size:
                self._cancel_merge(qmp)
                qmp.run("block_resize", node_name=DISK, size=size)

    def put_overlay(self, overlay: Layer) -> None:
        """From now on writes go to `overlay`, a prepared empty qcow2 file of the same size; what was the top layer
        is no longer written to. All in one moment between two writes. Done already: nothing happens."""
        with self._session() as qmp:
            top = _chain(qmp)[:1]
            if not top:
                raise Failed("The image daemon has no image open.")
            if top[0] == overlay.name:
                return
            self._cancel_merge(qmp)
            if not _has_node(qmp, overlay.node):
                qmp.run("blockdev-add", **_underscored(overlay.options(None)))
            qmp.run("blockdev-snapshot", node=f"{_NODE}{top[0]}", overlay=overlay.node)

    def merge(self, layer: str, base: str | None, *, speed: int) -> None:
        """Begin to copy into `layer` what it still reads from the layers between it and `base` (None: from all), after
        which it rests on `base` directly. The copying goes on in the daemon at up to `speed` bytes a second, beside
        the hosts' I/O; a daemon that ends meanwhile leaves the image as it was. One merge at a time: while one runs,
        nothing happens. A snapshot, a resize or the end of the daemon cancels it.
        """
        with self._session() as qmp:
            if not qmp.run("query-jobs"):
                until = {"base_node": f"{_NODE}{base}"} if base else {}
                qmp.run(
                    "block-stream", job_id="merge", device=f"{_NODE}{layer}", speed=speed, auto_dismiss=True, **until
                )

    def merging(self) -> bool:
        """Whether a merge runs. When none does, the layers that it made superfluous are closed as well."""
        with self._session() as qmp:
            if qmp.run("query-jobs"):
                return True
            _forget_unused(qmp)
            return False

    def cancel_merge(self) -> None:
        """End a merge that runs; what it has copied stays copied, so that the next one has less to do."""
        with self._session() as qmp:
            self._cancel_merge(qmp)

    def exports(self) -> frozenset[str]:
        """The ids of the exports, of NBD and FUSE."""
        with self._session() as qmp:
            return _exports(qmp)

    def listen(
        self, where: Listening, *, certificates: Path | None = None, subjects: Iterable[str] | None = None
    ) -> None:
        """Start the NBD server. Runs already: only the list of `subjects` is brought up to date.

        `certificates` is a folder with ca-cert.pem, server-cert.pem and server-key.pem: clients must speak TLS and
        bring a certificate of that CA, whose distinguished name stands in `subjects`.
        """
        with self._session() as qmp:
            present = _objects(qmp)
            if certificates is not None:
                if _TLS not in present:
                    qmp.run(
                        "object-add",
                        qom_type="tls-creds-x509",
                        id=_TLS,
                        dir=str(certificates),
                        endpoint="server",
                        verify_peer=True,
                    )
                _allow(qmp, present, subjects or ())
            try:
                secured = {"tls_creds": _TLS, "tls_authz": _ALLOWED} if certificates is not None else {}
                qmp.run("nbd-server-start", addr=where.document(), **secured)
            except Failed as error:
                if "already running" not in error.message:
                    raise
            if where.socket is None:
                send_at_once(qmp.process)

    def allow(self, subjects: Iterable[str]) -> None:
        """Exchange the list of certificate names that may connect. Hosts that are connected stay connected."""
        with self._session() as qmp:
            _allow(qmp, _objects(qmp), subjects)

    def add_nbd(self, export: str, name: str, *, writable: bool) -> None:
        """Offer the image under the NBD export name `name`. Exists already: nothing happens."""
        with self._session() as qmp:
            if export not in _exports(qmp):
                qmp.run("block-export-add", type="nbd", id=export, node_name=DISK, name=name, writable=writable)

    def add_fuse(self, export: str, mountpoint: Path, *, others: bool) -> None:
        """Show the image as the raw file `mountpoint`, which grows when it is truncated to a larger size.
        `others` lets accounts other than the daemon's open it (FUSE's allow_other). Exists already: nothing happens.
        """
        with self._session() as qmp:
            if export not in _exports(qmp):
                qmp.run(
                    "block-export-add",
                    type="fuse",
                    id=export,
                    node_name=DISK,
                    mountpoint=str(mountpoint),
                    writable=True,
                    growable=True,
                    allow_other="on" if others else "off",
                )

    def remove_export(self, export: str) -> None:
        """Remove an export, its live connections included; returns when it is gone. Absent is success."""
        with self._session() as qmp:
            if export not in _exports(qmp):
                return
            qmp.run("block-export-del", id=export, mode="hard")
            deadline = time.monotonic() + self._timeout
            while export in _exports(qmp):
                if time.monotonic() >= deadline:
                    raise Transient(f"qemu-storage-daemon has not removed the export {export} yet.")
                time.sleep(_PAUSE)

    def end(self) -> None:
        """Remove the exports, close the image and end the process; absent is success.

        The image is closed first, so that all that hosts wrote is in its file. Then the process is killed: asked to
        stop, it may wait for a client that connected and never went on.
        """
        try:
            for export in self.exports():
                self.remove_export(export)
            self.close()
            with self._session() as qmp:
                pid = qmp.process
                started = process.started_at(pid)
        except DaemonGone:
            return
        if started is not None and not process.end(pid, started, signal.SIGKILL, self._timeout):
            raise Transient(f"qemu-storage-daemon (process {pid}) has not ended yet.")

    def _cancel_merge(self, qmp: Qmp) -> None:
        deadline = time.monotonic() + self._timeout
        while jobs := qmp.run("query-jobs"):
            with suppress(Failed):
                qmp.run("job-cancel", id=jobs[0]["id"])
            if time.monotonic() >= deadline:
                raise Transient("qemu-storage-daemon has not ended a merge of layers yet.")
            time.sleep(_PAUSE)

    def _session(self) -> Qmp:
        return Qmp(self.control, self._timeout)


def _underscored(options: dict[str, Any]) -> dict[str, Any]:
    return {name.replace("-", "_"): value for name, value in options.items()}


def _graph(qmp: Qmp) -> tuple[frozenset[str], dict[tuple[str, str], str]]:
    """The names of the nodes, and the edges: (parent, kind) to child."""
    graph = qmp.run("x-debug-query-block-graph")
    names = {node["id"]: str(node["name"]) for node in graph["nodes"]}
    edges = {(names[edge["parent"]], str(edge["name"])): names[edge["child"]] for edge in graph["edges"]}
    return frozenset(names.values()), edges


def _has_node(qmp: Qmp, name: str) -> bool:
    return name in _graph(qmp)[0]


def _chain(qmp: Qmp) -> tuple[str, ...]:
    """The layers under `disk`, top first; filters that a running job has put between are passed over."""
    names, edges = _graph(qmp)
    found: list[str] = []
    at = edges.get((DISK, "file")) if DISK in names else None
    while at is not None:
        if at.startswith(_NODE):
            found.append(at.removeprefix(_NODE))
            at = edges.get((at, "backing"))
        else:
            at = edges.get((at, "file"))
    return tuple(found)


def _forget_unused(qmp: Qmp) -> None:
    """Let go of layers that no image uses any longer; qemu itself refuses for those in use."""
    used = _chain(qmp)
    for name in _graph(qmp)[0]:
        if name.startswith(_NODE) and name.removeprefix(_NODE) not in used:
            with suppress(Failed):
                qmp.run("blockdev-del", node_name=name)


def _size(qmp: Qmp) -> int:
    for node in qmp.run("query-named-block-nodes"):
        if node.get("node-name") == DISK:
            return int(node["image"]["virtual-size"])
    raise Failed("The image daemon has no image open.")


def _exports(qmp: Qmp) -> frozenset[str]:
    return frozenset(str(export["id"]) for export in qmp.run("query-block-exports"))


def _objects(qmp: Qmp) -> frozenset[str]:
    # The container comes into being with the first object.
    if "objects" not in {found["name"] for found in qmp.run("qom-list", path="/")}:
        return frozenset()
    return frozenset(str(found["name"]) for found in qmp.run("qom-list", path="/objects"))


def _allow(qmp: Qmp, present: frozenset[str], subjects: Iterable[str]) -> None:
    rules = [{"match": subject, "policy": "allow", "format": "exact"} for subject in sorted(subjects)]
    if _ALLOWED in present:
        # The list is exchanged in place: there is no moment at which a host that belongs to it is turned away.
        qmp.run("qom-set", path=f"/objects/{_ALLOWED}", property="rules", value=rules)
    else:
        qmp.run("object-add", qom_type="authz-list", id=_ALLOWED, policy="deny", rules=rules)
