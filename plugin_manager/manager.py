"""Knows every extension on this server: found, enabled or not, configured how, loaded or why not."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from ..core.errors import Conflict, InUse, Invalid, Misconfigured, NotFound
from ..core.model.description import Extension, Finding
from .loader import Found, Loaded, find, load
from .namespaces import NAMESPACES
from .schemas import complete, fault, secret_names

RESTART = "Takes effect at the next start of the server."
HIDDEN = "***"

Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Choice:
    """What an administrator chose for an extension. `settings` hold no secrets; `secrets` are opened."""

    enabled: bool = True
    settings: Mapping[str, Any] | None = None
    secrets: Mapping[str, str] | None = field(default=None, repr=False)


class Choices(Protocol):
    """Where choices are kept: the database."""

    def all(self) -> Mapping[Key, Choice]:
        """Every choice, by namespace and name."""

    def put(
        self,
        namespace: str,
        name: str,
        *,
        enabled: bool,
        settings: Mapping[str, Any],
        secrets: Mapping[str, str | None],
    ) -> None:
        """Keep a choice; a secret that is None goes, one that is not named stays."""


class Manager:
    """The extensions of this process.

    What a process uses is decided when it starts: `configure` writes to the database and changes nothing here.
    `needed` are those without which nothing could be administered or run: they are enabled, whatever was chosen.
    `dependants` says who else needs one, empty for nobody. Safe for several threads.
    """

    def __init__(
        self,
        choices: Choices,
        finder: Callable[..., Sequence[Found]] = find,
        *,
        needed: Collection[Key] = (),
        dependants: Callable[[str, str], str] = lambda namespace, name: "",
    ) -> None:
        self._choices = choices
        self._finder = finder
        self._needed = frozenset(needed)
        self._dependants = dependants
        self._lock = threading.RLock()
        self._started = self._chosen()
        self._found: dict[str, Sequence[Found]] = {}
        self._loaded: dict[Key, Loaded] = {}
        self._used: set[Key] = set()
        self._broken: dict[Key, str] = {}

    def names(self, namespace: str) -> tuple[str, ...]:
        """The names of the enabled extensions of a namespace."""
        return tuple(
            found.name
            for found in self._of(namespace)
            if not found.obstacle and self._choice(namespace, found.name).enabled
        )

    def known(self, namespace: str) -> tuple[str, ...]:
        """The names of all extensions of a namespace, disabled ones too."""
        return tuple(found.name for found in self._of(namespace) if not found.obstacle)

    def load(self, namespace: str, name: str) -> Any:
        """The object behind an enabled extension; raises `Misconfigured` with the reason when there is none."""
        found = self._find(namespace, name)
        if found is None:
            known = ", ".join(self.names(namespace)) or "none"
            raise Misconfigured(f"There is no {_singular(namespace)} {name!r}.", next_step=f"Use one of: {known}.")
        if not self._choice(namespace, name).enabled:
            raise Misconfigured(
                f"The {_singular(namespace)} {name} is disabled.",
                next_step=f"`isthmus plugin enable {namespace} {name}`, then restart the server.",
            )
        self._used.add((namespace, name))
        outcome = self._load(found)
        if outcome.value is None:
            raise Misconfigured(f"The {_singular(namespace)} {name} cannot be used: {outcome.report.reason}")
        return outcome.value

    def loadable(self, namespace: str) -> Iterator[tuple[str, Any]]:
        """Name and object of each enabled extension that can be loaded; the others are reported by `list`."""
        for name in self.names(namespace):
            found = self._find(namespace, name)
            self._used.add((namespace, name))
            outcome = self._load(found) if found is not None else None
            if outcome is not None and outcome.value is not None:
                yield name, outcome.value

    def settings(self, namespace: str, name: str, schema: Mapping[str, Any]) -> Mapping[str, Any]:
        """The settings of an extension, defaults filled in and secrets opened; raises `Invalid`."""
        choice = self._choice(namespace, name)
        settings = complete({**(choice.settings or {}), **(choice.secrets or {})}, schema)
        wrong = fault(settings, schema)
        if wrong:
            raise Invalid(f"The settings of {namespace}/{name} do not fit: {wrong}")
        return settings

    def mark_broken(self, namespace: str, name: str, reason: str) -> None:
        """It was loaded, but could not be used after all."""
        with self._lock:
            self._broken[namespace, name] = reason

    def findings(self) -> Sequence[Finding]:
        """What this process was to use and cannot, as warnings: the rest serves nevertheless.

        An optional part whose packages are not installed is nothing wrong.
        """
        wanted = (found for namespace in NAMESPACES for found in self._of(namespace) if self._fell_out(found))
        return [
            Finding(
                f"{_singular(found.namespace.name)} {found.name}",
                "warning",
                f"It cannot be used: {self._report(found, self._started).reason}",
                f"Mend it (`isthmus plugin set {found.namespace.name} {found.name} …`) or disable it, then restart.",
            )
            for found in wanted
        ]

    def list(self) -> Sequence[Extension]:
        """All extensions of all namespaces. What was not needed so far is imported now, to tell whether it could."""
        chosen = self._chosen()
        return tuple(self._report(found, chosen) for namespace in NAMESPACES for found in self._of(namespace))

    def get(self, namespace: str, name: str) -> Extension:
        """One extension; raises `NotFound`."""
        found = self._find(namespace, name)
        if found is None:
            raise NotFound(f"There is no extension {name!r} in {namespace!r}.")
        return self._report(found, self._chosen())

    def configure(
        self, namespace: str, name: str, *, enabled: bool | None = None, settings: Mapping[str, Any] | None = None
    ) -> Extension:
        """Enable, disable or configure for the next start. `settings` replace the former ones; a secret that they do
        not name stays, None removes it. Raises `NotFound`, `Invalid`, and `Conflict` when what is to be disabled is
        needed."""
        found = self._find(namespace, name)
        if found is None:
            raise NotFound(f"There is no extension {name!r} in {namespace!r}.")
        if enabled is False:
            self._refuse_needed(namespace, name)
        before = self._chosen().get((namespace, name), Choice())
        plain: dict[str, Any] = dict(before.settings or {})
        secrets: dict[str, str | None] = {}
        if settings is not None:
            plain, secrets = self._checked(found, before, settings)
        self._choices.put(
            namespace,
            name,
            enabled=before.enabled if enabled is None else enabled,
            settings=plain,
            secrets=secrets,
        )
        return self.get(namespace, name)

    def _checked(
        self, found: Found, before: Choice, settings: Mapping[str, Any]
    ) -> tuple[dict[str, Any], dict[str, str | None]]:
        value = self._load(found).value
        schema = getattr(value, "settings_schema", None)
        if schema is None:
            raise Invalid(f"{found.namespace.name}/{found.name} takes no settings here.")
        hidden = secret_names(schema)
        # What was shown as hidden comes back as hidden from a client that edits what it read.
        secrets = {n: v for n, v in settings.items() if n in hidden and v != HIDDEN}
        plain = {n: v for n, v in settings.items() if n not in hidden}
        if any(v is not None and not isinstance(v, str) for v in secrets.values()):
            raise Invalid("A secret is a text.")
        kept = {n: v for n, v in {**(before.secrets or {}), **secrets}.items() if v is not None}
        whole = complete({**plain, **kept}, schema)
        wrong = fault(whole, schema)
        if wrong:
            raise Invalid(f"The settings do not fit: {wrong}")
        if hasattr(value, "check_settings"):
            value.check_settings(whole)
        return plain, secrets

    def _refuse_needed(self, namespace: str, name: str) -> None:
        if (namespace, name) in self._needed:
            raise Conflict(f"The {_singular(namespace)} {name} stays enabled: this installation cannot do without it.")
        users = self._dependants(namespace, name)
        if users:
            raise InUse(
                f"The {_singular(namespace)} {name} is used by {users}.", next_step="Remove what uses it first."
            )

    def _fell_out(self, found: Found) -> bool:
        key = (found.namespace.name, found.name)
        if found.obstacle or key not in self._used:
            return False
        outcome = self._loaded.get(key)
        return key in self._broken or (outcome is not None and outcome.value is None and not outcome.not_installed)

    def _chosen(self) -> Mapping[Key, Choice]:
        chosen = self._choices.all()
        return {key: replace(choice, enabled=choice.enabled or key in self._needed) for key, choice in chosen.items()}

    def _report(self, found: Found, chosen: Mapping[Key, Choice]) -> Extension:
        key = (found.namespace.name, found.name)
        now, then = chosen.get(key, Choice()), self._choice(*key)
        if found.obstacle:
            report = found.report("broken", found.obstacle)
        elif not then.enabled:
            report = found.report("disabled", "An administrator disabled it.")
        else:
            report = self._load(found).report
            if report.state == "loaded" and key not in self._used:
                report = replace(report, state="available")
        reason = self._broken.get(key)
        if reason and not found.obstacle:
            report = replace(report, state="broken", reason=reason)
        settings = {**(now.settings or {}), **dict.fromkeys(now.secrets or {}, HIDDEN)}
        details: dict[str, Any] = {"pending": RESTART} if now != then else {}
        if key[0] == "adapters" and report.state in ("loaded", "available"):
            # What a form for a system of it has to ask.
            details["settings_schema"] = self._load(found).value.settings_schema
        return replace(report, enabled=now.enabled, settings=settings, details=details)

    def _choice(self, namespace: str, name: str) -> Choice:
        return self._started.get((namespace, name), Choice())

    def _of(self, namespace: str) -> Sequence[Found]:
        with self._lock:
            if namespace not in self._found:
                known = NAMESPACES.get(namespace)
                self._found[namespace] = self._finder(known) if known is not None else ()
            return self._found[namespace]

    def _find(self, namespace: str, name: str) -> Found | None:
        return next((found for found in self._of(namespace) if found.name == name and not found.obstacle), None)

    def _load(self, found: Found) -> Loaded:
        key = (found.namespace.name, found.name)
        with self._lock:
            if key not in self._loaded:
                self._loaded[key] = load(found)
            return self._loaded[key]


def _singular(namespace: str) -> str:
    return namespace.replace("_", " ").removesuffix("s")
