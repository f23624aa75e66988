"""Reads `isthmus.toml` and `ISTHMUS_…` variables into a `Configuration`, and says where each value came from.

Only what a process needs to start is here; what an administrator manages is in the database.
"""

from __future__ import annotations

import difflib
import hashlib
import ipaddress
import os
import re
import socket
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ..core.errors import Misconfigured
from .settings import KEYS, SECTIONS, Configuration, Key, default_state

SYSTEM_FILE = Path("/etc/isthmus/isthmus.toml")
LOCAL_FILE = "isthmus.toml"
CONFIG_VARIABLE = "ISTHMUS_CONFIG"
HIDDEN = "***"

_NODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
_SECRET = re.compile(r"passw|secret|token|key", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Shown:
    """One value as a person may see it: secrets are hidden. `source` is `default`, a file or a variable."""

    key: str
    value: str
    source: str
    meaning: str


def load(config: str | Path | None = None, environment: Mapping[str, str] | None = None) -> Configuration:
    """The configuration of this process.

    The file is the first of: `config`, the variable ISTHMUS_CONFIG, `./isthmus.toml`, `/etc/isthmus/isthmus.toml`.
    Without any, all values are defaults. Variables overrule the file. Raises `Misconfigured` for a file that is
    named and missing, an unknown key (with the nearest known one) or a value that cannot be.
    """
    environment = os.environ if environment is None else environment
    file = _find(config, environment)
    values: dict[str, Any] = {}
    sources: dict[str, str] = {}
    if file is not None:
        for name, value in _flat(_parse(file), file).items():
            values[name] = _typed(KEYS[name], value, f"{name} in {file}", file.parent)
            sources[name] = str(file)
    for variable, text in environment.items():
        key = _variable(variable)
        if key is not None:
            values[key.name] = _typed(key, _from_text(key, text), variable, Path.cwd())
            sources[key.name] = variable
    return _check(_build(values, sources, file, environment))


def show(configuration: Configuration) -> tuple[Shown, ...]:
    """Every key with its value and where that came from, secrets hidden."""
    return tuple(
        Shown(key.name, _printed(key.name, _value(configuration, key.name)), source, key.meaning)
        for key in KEYS.values()
        for source in (configuration.sources.get(key.name, "default"),)
    )


def hidden_url(url: str) -> str:
    """The URL of a database without its password and without anything secret in its query."""
    scheme, separator, rest = url.partition("://")
    place, mark, query = rest.partition("?")
    if "@" not in place and "@" in rest:  # a password with an unquoted question mark
        place, mark, query = rest, "", ""
    if "@" in place:
        user, _, host = place.rpartition("@")
        place = f"{user.partition(':')[0]}:{HIDDEN}@{host}" if ":" in user else place
    pairs = [pair.partition("=") for pair in query.split("&")]
    query = "&".join(name + equals + (HIDDEN if _SECRET.search(name) else value) for name, equals, value in pairs)
    return scheme + separator + place + mark + query


def _find(config: str | Path | None, environment: Mapping[str, str]) -> Path | None:
    named = config or environment.get(CONFIG_VARIABLE)
    if named:
        path = Path(named).expanduser().absolute()
        if not path.is_file():
            raise Misconfigured(
                f"The configuration file {path} is not there.",
                next_step=f"Name one that is, with --config or {CONFIG_VARIABLE}, or leave it out.",
            )
        return path
    return next((path for path in (Path.cwd() / LOCAL_FILE, SYSTEM_FILE) if path.is_file()), None)


def _parse(file: Path) -> dict[str, Any]:
    try:
        with file.open("rb") as stream:
            return tomllib.load(stream)
    except OSError as error:
        raise Misconfigured(f"The configuration file {file} cannot be read: {error.strerror}.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Misconfigured(f"The configuration file {file} is not valid TOML: {error}.") from None


def _flat(document: Mapping[str, Any], file: Path) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in document.items():
        if name in SECTIONS and isinstance(value, Mapping):
            found.update({f"{name}.{part}": inner for part, inner in value.items()})
        else:
            found[name] = value
    for name in found:
        if name not in KEYS:
            known = {key.split(".")[-1]: key for key in KEYS} | {key: key for key in KEYS}
            raise _unknown(name, str(file), known | {section: f"[{section}]" for section in SECTIONS})
    return found


def _variable(variable: str) -> Key | None:
    """The key that a variable sets, None for one that is not ours; raises for one that was surely meant as ours."""
    if not variable.startswith("ISTHMUS_"):
        return None
    known = {key.variable: key for key in KEYS.values()}
    if variable in known:
        return known[variable]
    sections = tuple(f"ISTHMUS_{section.upper()}_" for section in SECTIONS)
    if variable.startswith(sections) or difflib.get_close_matches(variable, known, 1, 0.9):
        raise _unknown(variable, "the environment", {name: name for name in known})
    return None


def _unknown(name: str, place: str, known: Mapping[str, str]) -> Misconfigured:
    near = difflib.get_close_matches(name, known, 1, 0.5)
    advice = f"Did you mean {known[near[0]]}?" if near else "`isthmus config show` lists all keys."
    return Misconfigured(f"There is no key {name} (in {place}).", next_step=advice, key=name)


def _from_text(key: Key, text: str) -> Any:
    """A variable's text as the value that a file would hold."""
    if key.kind in ("int", "float"):
        try:
            return int(text) if key.kind == "int" else float(text)
        except ValueError:
            return text
    if key.kind.startswith("tuple"):
        return [part for part in text.replace(",", " ").split() if part]
    return text


def _typed(key: Key, value: Any, place: str, folder: Path) -> Any:
    """`value` as the type of `key`; relative paths are relative to `folder`."""
    if key.kind.startswith("Path"):
        if isinstance(value, str) and value and "\0" not in value:
            return Path(os.path.normpath(folder / Path(value).expanduser()))
        raise _wrong(place, "a path", value)
    if key.kind.startswith("tuple"):
        if isinstance(value, list) and all(isinstance(part, str) and part for part in value):
            return tuple(value)
        raise _wrong(place, "a list of texts", value)
    if key.kind in ("int", "float"):
        allowed = (int,) if key.kind == "int" else (int, float)
        if isinstance(value, bool) or not isinstance(value, allowed) or value != value:
            raise _wrong(place, "a whole number" if key.kind == "int" else "a number", value)
        if key.least is not None and value < key.least:
            raise Misconfigured(f"{place} must be at least {key.least:g}, not {value:g}.", key=key.name)
        return int(value) if key.kind == "int" else float(value)
    if not isinstance(value, str) or not value.strip():
        raise _wrong(place, "a text", value)
    if key.choices and value not in key.choices:
        near = difflib.get_close_matches(value, key.choices, 1)
        raise Misconfigured(
            f"{place} must be one of {', '.join(key.choices)}, not {value}.",
            next_step=f"Did you mean {near[0]}?" if near else None,
            key=key.name,
        )
    return value


def _wrong(place: str, wanted: str, value: Any) -> Misconfigured:
    # The value is not repeated: it may be a password in the wrong place.
    return Misconfigured(f"{place} must be {wanted}, not {type(value).__name__}.")


def _build(
    values: Mapping[str, Any], sources: Mapping[str, str], file: Path | None, environment: Mapping[str, str]
) -> Configuration:
    top = {name: value for name, value in values.items() if "." not in name}
    usual = default_state(environment)
    state: Path = top.setdefault("state", usual)
    top.setdefault("runtime", _default_runtime(state, usual, environment))
    top.setdefault("database", f"sqlite:///{state / 'isthmus.db'}")
    top.setdefault("key_source", f"file:{state / 'root.key'}")
    top.setdefault("node", _default_node())
    sections = {
        section: noun(**{n.partition(".")[2]: v for n, v in values.items() if n.partition(".")[0] == section})
        for section, noun in SECTIONS.items()
        if any(name.startswith(f"{section}.") for name in values)
    }
    return Configuration(**top, **sections, file=file, sources=dict(sources))


def _default_runtime(state: Path, usual: Path, environment: Mapping[str, str]) -> Path:
    """Sockets want short paths that a reboot empties; each state folder gets one of its own."""
    name = "isthmus" if state == usual else f"isthmus-{hashlib.sha256(str(state).encode()).hexdigest()[:8]}"
    if os.geteuid() == 0 and Path("/run").is_dir():
        return Path("/run") / name
    base = environment.get("XDG_RUNTIME_DIR")
    return Path(base) / name if base and Path(base).is_dir() else state / "run"


def _default_node() -> str:
    name = re.sub(r"[^A-Za-z0-9._-]", "-", socket.gethostname())[:63].lstrip("-._")
    return name or "node1"


def _check(configuration: Configuration) -> Configuration:
    """What no single key can tell."""
    if not _NODE.fullmatch(configuration.node):
        raise Misconfigured("node must be 1 to 63 letters, digits, dots, hyphens and underscores.", key="node")
    if configuration.port > 65535:
        raise Misconfigured("listen.port must be at most 65535.", key="listen.port")
    _check_redirect(configuration)
    if "://" not in configuration.database:
        raise Misconfigured(
            "database must be a URL.", next_step="For example sqlite:////var/lib/isthmus/isthmus.db.", key="database"
        )
    if configuration.journal.heartbeat * 2 > configuration.journal.lease:
        raise Misconfigured(
            "journal.heartbeat must be at most half of journal.lease.",
            next_step="Use a third of the lease, so that one late heartbeat loses nothing.",
            key="journal.heartbeat",
        )
    tls = configuration.tls
    if tls.mode == "files" and (tls.certificate is None or tls.key is None):
        raise Misconfigured("tls.mode is files, so tls.certificate and tls.key must be set.", key="tls.mode")
    if tls.mode != "files" and (tls.certificate is not None or tls.key is not None):
        raise Misconfigured(
            f"tls.certificate and tls.key are set, but tls.mode is {tls.mode}.",
            next_step='Set tls.mode to "files", or leave the two out.',
            key="tls.mode",
        )
    if tls.mode == "off" and not is_loopback(configuration.listen.host):
        raise Misconfigured(
            f"Plain HTTP is only offered on loopback, not on {configuration.listen.host}.",
            next_step="Leave tls.mode at own, or listen on 127.0.0.1 behind a proxy that speaks TLS.",
            key="tls.mode",
        )
    public = configuration.listen.public
    if public and (urlsplit(public).scheme not in ("http", "https") or not urlsplit(public).hostname):
        raise Misconfigured("listen.public must be a URL such as https://storage.example:7460.", key="listen.public")
    return configuration


def _check_redirect(configuration: Configuration) -> None:
    key, port = "listen.redirect_port", configuration.listen.redirect_port
    if port > 65535:
        raise Misconfigured(f"{key} must be at most 65535.", key=key)
    if port == configuration.port:
        raise Misconfigured(f"{key} and listen.port are both {port}.", next_step="Choose another one.", key=key)
    if port and configuration.tls.mode == "off":
        raise Misconfigured(
            f"{key} is set, but tls.mode is off: there is nothing to redirect to.",
            next_step=f"Leave {key} out, or let the proxy that speaks TLS redirect.",
            key=key,
        )
    if port and configuration.listen.public and urlsplit(configuration.listen.public).scheme != "https":
        raise Misconfigured(f"{key} is set, so listen.public must begin with https.", key="listen.public")


def is_loopback(host: str) -> bool:
    """Whether nobody outside this machine can reach `host`."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _value(configuration: Configuration, name: str) -> Any:
    section, _, part = name.rpartition(".")
    return getattr(getattr(configuration, section) if section else configuration, part)


def _printed(name: str, value: Any) -> str:
    if name == "database":
        return hidden_url(str(value))
    if value is None:
        return ""
    return ", ".join(value) if isinstance(value, tuple) else str(value)
