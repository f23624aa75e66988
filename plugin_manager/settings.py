"""What can be set for a server process: every key with its type, default and meaning."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

KIB = 1024
DAY = 86400


def _means(meaning: str, *, choices: tuple[str, ...] = (), least: float | None = None) -> Mapping[str, Any]:
    return {"meaning": meaning, "choices": choices, "least": least}


@dataclass(frozen=True, slots=True)
class Listen:
    """Where and how requests are answered."""

    host: str = field(default="127.0.0.1", metadata=_means("the address or name to listen on; 0.0.0.0 or :: for all"))
    port: int = field(default=7460, metadata=_means("the TCP port", least=1))
    redirect_port: int = field(
        default=0, metadata=_means("a TCP port where plain HTTP is told to come over TLS; none if not set", least=0)
    )
    public: str = field(
        default="", metadata=_means("how clients reach the API, if not by host and port: https://storage.example:7460")
    )
    threads: int = field(
        default=104,
        metadata=_means(
            "how many requests are worked on at once; half may be event streams, a quarter may wait for operations",
            least=4,
        ),
    )
    workers: int = field(default=1, metadata=_means("worker processes", least=1))
    body_limit: int = field(default=KIB * KIB, metadata=_means("the largest request body in bytes", least=KIB))


@dataclass(frozen=True, slots=True)
class Tls:
    """How connections are protected."""

    mode: str = field(
        default="own",
        metadata=_means(
            "own: the installation's own CA issues the certificate; files: yours; off: plain HTTP, on loopback only",
            choices=("own", "files", "off"),
        ),
    )
    certificate: Path | None = field(default=None, metadata=_means("your certificate with its chain, PEM"))
    key: Path | None = field(default=None, metadata=_means("its private key, PEM in PKCS#8 without a passphrase"))
    names: tuple[str, ...] = field(
        default=(), metadata=_means("further host names and addresses for the own certificate")
    )


@dataclass(frozen=True, slots=True)
class Log:
    """What goes to standard error, and how."""

    level: str = field(
        default="info", metadata=_means("the least level written", choices=("debug", "info", "warning", "error"))
    )
    format: str = field(default="text", metadata=_means("text, or one JSON object a line", choices=("text", "json")))


@dataclass(frozen=True, slots=True)
class JournalPace:
    """How operations are run. Times are in seconds."""

    threads: int = field(default=8, metadata=_means("how many operations run at once", least=1))
    lease: float = field(default=10.0, metadata=_means("how long a silent process keeps its operations", least=0.5))
    heartbeat: float = field(
        default=3.0, metadata=_means("how often a lease is renewed; a third of the lease or less", least=0.1)
    )
    sweep: float = field(
        default=2.0, metadata=_means("how often operations without a runner are looked for", least=0.1)
    )
    backlog: int = field(
        default=500,
        metadata=_means("how many operations may be accepted and unfinished; beyond it requests get 503", least=1),
    )


@dataclass(frozen=True, slots=True)
class DataPath:
    """The daemons that serve volumes to hosts. Times are in seconds."""

    address: str = field(default="127.0.0.1", metadata=_means("how hosts reach this node's daemons"))
    user: str | None = field(
        default=None, metadata=_means("the account they run as; the best that this machine allows if not set")
    )
    measure: float = field(default=60.0, metadata=_means("how often pools are measured", least=1))
    sample: float = field(
        default=60.0, metadata=_means("how often attached volumes are measured for their history; 0: never", least=0)
    )
    watch: float = field(default=5.0, metadata=_means("how often daemons and exports are looked after", least=0.5))
    timeout: float = field(default=30.0, metadata=_means("how long a call of a back end may stand still", least=1))


@dataclass(frozen=True, slots=True)
class Keep:
    """How long what is over is kept. Times are in seconds."""

    operations: int = field(default=30 * DAY, metadata=_means("how long operations are kept after their end", least=1))
    messages: int = field(default=30 * DAY, metadata=_means("how long messages are kept", least=1))
    keys: int = field(
        default=7 * DAY,
        metadata=_means("the least time that an operation with an idempotency key is kept after its end", least=1),
    )


@dataclass(frozen=True, slots=True)
class Configuration:
    """Everything a server process needs to start; complete, checked and with no empty defaults left.

    `sources` says where each value came from, by key.
    """

    state: Path = field(default=Path(), metadata=_means("the folder that keeps this node's private files"))
    runtime: Path = field(default=Path(), metadata=_means("the folder for sockets; its path must be short"))
    database: str = field(
        default="",
        repr=False,
        metadata=_means("the URL of the database: sqlite:///path or postgresql://user:password@host/name"),
    )
    key_source: str = field(default="", metadata=_means("where the root keys come from: file:/path or env:NAME"))
    node: str = field(default="", metadata=_means("the name of this node"))
    dispatcher: str = field(default="local", metadata=_means("what carries the wake-up of operations"))
    listen: Listen = field(default_factory=Listen)
    tls: Tls = field(default_factory=Tls)
    log: Log = field(default_factory=Log)
    journal: JournalPace = field(default_factory=JournalPace)
    data_path: DataPath = field(default_factory=DataPath)
    keep: Keep = field(default_factory=Keep)
    file: Path | None = field(default=None)
    sources: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def streams(self) -> int:
        """How many event streams may be open at a time: half of the threads."""
        return max(1, self.listen.threads // 2)

    @property
    def places(self) -> int:
        """How many requests may wait for something at a time: a quarter of the threads."""
        return max(1, self.listen.threads // 4)

    @property
    def address(self) -> str:
        """How hosts reach this node's daemons."""
        return self.data_path.address

    @property
    def url(self) -> str:
        """How clients reach the API, without a slash at the end."""
        if self.listen.public:
            return self.listen.public.rstrip("/")
        host = self.listen.host
        if host in WILDCARDS:
            host = self.address
        return f"{'http' if self.tls.mode == 'off' else 'https'}://{f'[{host}]' if ':' in host else host}:{self.port}"

    @property
    def port(self) -> int:
        """The TCP port."""
        return self.listen.port


WILDCARDS = frozenset({"0.0.0.0", "::"})  # noqa: S104 - compared with, not bound
SECTIONS: Mapping[str, type] = {
    "listen": Listen,
    "tls": Tls,
    "log": Log,
    "journal": JournalPace,
    "data_path": DataPath,
    "keep": Keep,
}


@dataclass(frozen=True, slots=True)
class Key:
    """One key: `name` as in the file (`listen.port`), `variable` as in the environment (`ISTHMUS_LISTEN_PORT`)."""

    name: str
    kind: str
    meaning: str
    default: Any
    choices: tuple[str, ...] = ()
    least: float | None = None

    @property
    def variable(self) -> str:
        return "ISTHMUS_" + self.name.replace(".", "_").upper()


def _keys() -> Mapping[str, Key]:
    found = {}
    for section, noun in (("", Configuration), *SECTIONS.items()):
        for part in fields(noun):
            if "meaning" in part.metadata:
                name = f"{section}.{part.name}" if section else part.name
                found[name] = Key(name=name, kind=str(part.type), default=part.default, **part.metadata)
    return found


KEYS: Mapping[str, Key] = _keys()
"""Every key there is."""


def default_state(environment: Mapping[str, str]) -> Path:
    """`/var/lib/isthmus` for root, else a folder of the user's."""
    if os.geteuid() == 0:
        return Path("/var/lib/isthmus")
    data = environment.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
    return Path(data) / "isthmus"
