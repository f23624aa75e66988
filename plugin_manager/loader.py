"""Finds extensions without importing them, and imports one when it is wanted. Nothing that is wrong with one raises."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from stevedore.named import NamedExtensionManager

from ..core.model.description import Extension
from .namespaces import Namespace

_log = logging.getLogger(__name__)

OWN_DISTRIBUTION = "isthmus"


@dataclass(frozen=True, slots=True)
class Found:
    """An entry point that was found: where it comes from, and why it can never be loaded if it cannot."""

    namespace: Namespace
    name: str
    point: EntryPoint
    distribution: str
    version: str
    obstacle: str = ""

    def report(self, state: str, reason: str = "", contract: int | None = None) -> Extension:
        """What is said of it."""
        return Extension(
            namespace=self.namespace.name,
            name=self.name,
            state=state,
            distribution=self.distribution,
            version=self.version,
            contract=contract,
            reason=reason,
        )


@dataclass(frozen=True, slots=True)
class Loaded:
    """The outcome of loading: the object, or None with the report saying why.

    `not_installed`: it is an optional part (an extra of its distribution) and its packages are not there.
    """

    report: Extension
    value: Any = None
    not_installed: bool = False


class _Namespace(NamedExtensionManager):  # type: ignore[type-arg]
    """stevedore on entry points that know their distribution; those of its own list, kept in a cache on disk, do not.

    Loads `wanted` and nothing else; what its import raises comes out.
    """

    def __init__(self, group: str, wanted: EntryPoint | None = None) -> None:
        self._wanted = wanted
        names = [] if wanted is None else [wanted.name]
        super().__init__(group, names, on_load_failure_callback=self._failed)

    def list_entry_points(self) -> list[EntryPoint]:
        return list(entry_points(group=self.namespace)) if self._wanted is None else [self._wanted]

    @staticmethod
    def _failed(manager: object, point: EntryPoint, error: BaseException) -> None:
        raise error


def find(namespace: Namespace) -> Sequence[Found]:
    """All extensions of a namespace in the order of their names, duplicates included; imports none of them.

    Of two with the same name the one of Isthmus itself counts, else that of the distribution whose name comes first;
    the others carry an obstacle.
    """
    points = _Namespace(namespace.group).list_entry_points()
    found = sorted((_found(namespace, point) for point in points), key=_rank)
    winners: dict[str, Found] = {}
    marked = []
    for each in found:
        first = winners.setdefault(each.name, each)
        if first is not each:
            each = replace(each, obstacle=f"The name is taken by the distribution {first.distribution}.")
        marked.append(each)
    return marked


def load(found: Found) -> Loaded:
    """Import the extension and check that it is what this release can use."""
    if found.obstacle:
        return Loaded(found.report("broken", found.obstacle))
    try:
        value = _Namespace(found.namespace.group, found.point)[found.name].plugin
    except (Exception, SystemExit) as error:
        _log.warning("the extension %s of %s cannot be imported", found.name, found.namespace.name, exc_info=error)
        absent = bool(found.point.extras) and bool(_missing(found, error))
        return Loaded(found.report("broken", _why(found, error)), not_installed=absent)
    contract = getattr(value, "contract_version", None)
    unfit = _unfit(found.namespace, contract)
    if unfit:
        return Loaded(found.report("incompatible", unfit, contract if isinstance(contract, int) else None))
    missing = [name for name in found.namespace.needs if not hasattr(value, name)]
    if missing:
        return Loaded(found.report("broken", f"It lacks {', '.join(missing)}, which its contract asks for."))
    name = getattr(value, "name", found.name)
    if name != found.name:
        return Loaded(found.report("broken", f"It calls itself {name!r}, its entry point {found.name!r}."))
    return Loaded(found.report("loaded", contract=contract or found.namespace.contract), value)


def _found(namespace: Namespace, point: EntryPoint) -> Found:
    distribution = point.dist
    return Found(
        namespace,
        point.name,
        point,
        distribution.metadata["Name"] if distribution is not None else "",
        distribution.version if distribution is not None else "",
    )


def _rank(found: Found) -> tuple[str, bool, str, str]:
    return found.name, found.distribution != OWN_DISTRIBUTION, found.distribution, found.point.value


def _unfit(namespace: Namespace, contract: object) -> str:
    if contract is None:
        return "It does not say which contract it was written for (contract_version)." if namespace.declared else ""
    if contract != namespace.contract:
        return f"It was written for version {contract} of the contract, this release has version {namespace.contract}."
    return ""


def _missing(found: Found, error: BaseException) -> str:
    """The package of others that is not installed, if that is what is wrong."""
    if not isinstance(error, ModuleNotFoundError) or not error.name:
        return ""
    package = error.name.partition(".")[0]
    return "" if package == found.point.module.partition(".")[0] else package


def _why(found: Found, error: BaseException) -> str:
    """Why the import failed, for a person; a missing package with how to install it."""
    package = _missing(found, error)
    if package:
        extras = f"[{','.join(found.point.extras)}]" if found.point.extras else ""
        what = f"{found.distribution}{extras}" if extras else package
        return f"It needs the Python package {package}, which is not installed. Run `pip install '{what}'`."
    text = str(error).strip().splitlines()
    return f"Its import failed: {type(error).__name__}{': ' + text[0] if text else ''}"
