"""The plug-in manifest (`plugin.json`), made of actions and views (remote plug-in manifest, versions 1.0.0 to 1.2.0).

Nothing in it is written twice: menus are the actions that are offered on a type of object, pages are the views, texts
are the keys that those use, in every language. Addresses in it are relative to its own folder.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from ..core.errors import Invalid
from ..plugin_manager.action import Action
from . import icons
from .locale import LOCALES, Texts
from .view import PLACES, View

VERSIONS = ("1.0.0", "1.0.1", "1.1.0", "1.2.0")
OLDEST, NEWEST = VERSIONS[0], VERSIONS[-1]
NAME = "plugin.name"
_DIALOG = {"width": 680, "height": 520}
# From this version on a manifest may say which vCenters it is for; the newest vCenter demands it.
_WITH_SERVERS = "1.2.0"
_SERVERS = "[7.0,)"


@dataclass(frozen=True, slots=True)
class Surface:
    """What is offered: the plug-in's actions on objects and on nothing in particular, its views, and their texts."""

    plugin: str
    actions: Sequence[Action]
    views: Sequence[View]
    texts: Texts

    def kinds(self) -> list[str]:
        """The types of object on which there is something."""
        named = [kind for action in self.actions for kind in action.kinds]
        return sorted({*named, *(view.kind for view in self.views if view.kind)})

    def on(self, kind: str) -> list[Action]:
        """The actions on objects of this type."""
        return [action for action in self.actions if kind in action.kinds]

    def free(self) -> list[Action]:
        """The actions on nothing in particular."""
        return [action for action in self.actions if not action.kinds]

    def text_keys(self) -> list[str]:
        """The keys of all texts that the manifest uses."""
        titles = [view.title for view in self.views]
        return sorted({NAME, *titles, *(title(action) for action in self.actions if action.kinds)})


def title(action: Action) -> str:
    """The key of an action's title."""
    return f"action.{action.id}.title"


def generation(release: str) -> str:
    """The manifest version for a vCenter of this release (`8.0.3`): the newest that every vCenter of its kind takes.
    The public documents leave open from which update of 8.0 on that is more; an older one has all that is used."""
    try:
        numbers = tuple(int(part) for part in release.split(".")[:3])
    except ValueError:
        return OLDEST
    if numbers >= (9,):
        return "1.2.0"
    if numbers >= (8,):
        return "1.1.0"
    return "1.0.1" if numbers >= (7, 0, 1) else "1.0.0"


def manifest(surface: Surface, version: str = OLDEST) -> dict[str, Any]:
    """The manifest; raises `Invalid` for a version that there is not."""
    if version not in VERSIONS:
        raise Invalid(f"There is no manifest {version[:20]!r}.", next_step=f"Ask for one of {', '.join(VERSIONS)}.")
    requirements: dict[str, Any] = {"plugin.api.version": version}
    if version >= _WITH_SERVERS:
        requirements["vcenter.server"] = {"version": _SERVERS, "types": ["onprem"]}
    document: dict[str, Any] = {
        "manifestVersion": version,
        "requirements": requirements,
        "configuration": {"nameKey": NAME, "icon": {"name": "main"}},
    }
    # There is one entry for the whole in the client's navigation; from there one goes on within our pages.
    home = next((view for view in surface.views if not view.kind), None)
    if home is not None:
        document["global"] = {"view": {"navigationId": home.id, "uri": _page(home), "navigationVisible": True}}
    objects = {kind: _object(surface, kind) for kind in surface.kinds()}
    if objects:
        document["objects"] = objects
    document["definitions"] = {"iconSpriteSheet": _sheet(version), "i18n": _texts(surface)}
    return document


def fault(document: Mapping[str, Any]) -> str:
    """What the client would not take in a manifest, as a sentence; empty when it would take it."""
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import best_match

    error = best_match(Draft202012Validator(_schema()).iter_errors(document))
    if error is not None:
        place = ".".join(str(part) for part in error.absolute_path)
        return f"{place}: {error.message[:200]}" if place else error.message[:200]
    if document["manifestVersion"] != document["requirements"]["plugin.api.version"]:
        return "The manifest and the API that it needs have different versions."
    texts = document["definitions"]["i18n"]
    for key in sorted(_used(document)):
        for locale in texts["locales"]:
            if not texts["definitions"].get(key, {}).get(locale):
                return f"The text {key} is missing in {locale}."
    drawn = document["definitions"]["iconSpriteSheet"]["definitions"]
    strange = sorted(_named_icons(document) - set(drawn))
    return f"The icon {strange[0]} is not in the sheet." if strange else ""


def _object(surface: Surface, kind: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for place in PLACES:
        views = [view for view in surface.views if (view.kind, view.place) == (kind, place)]
        if not views:
            continue
        entries = [{"navigationId": view.id, "labelKey": view.title, "uri": _page(view)} for view in views]
        if place == "summary":
            # A card has no entry in the navigation, and there is one on each type.
            found[place] = {"view": {"uri": entries[0]["uri"], "icon": {"name": "main"}}}
        else:
            found[place] = {"views": entries, "dynamicUri": f"dynamic/{kind}/{place}"}
    actions = surface.on(kind)
    if actions:
        found["menu"] = {"dynamicUri": f"dynamic/{kind}/menu", "actions": [_entry(action) for action in actions]}
    return found


def _entry(action: Action) -> dict[str, Any]:
    key = title(action)
    return {
        "id": action.id,
        "labelKey": key,
        "icon": {"name": icons.icon_of(action.id)},
        "trigger": {
            "type": "modal",
            "uri": f"dialog/{action.id}.html",
            "titleKey": key,
            "accessibilityTitleKey": key,
            "size": _DIALOG,
        },
    }


def _page(view: View) -> str:
    return f"view/{view.id}.html"


def _sheet(version: str) -> dict[str, Any]:
    found: dict[str, Any] = {"uri": "icons/light.png", "definitions": icons.positions()}
    if version != OLDEST:
        found["themeOverrides"] = {"dark": {"uri": "icons/dark.png", "definitions": icons.positions()}}
    return found


def _texts(surface: Surface) -> dict[str, Any]:
    definitions = {
        key: {locale: surface.texts.get(key, name) for name, locale in LOCALES.items()} for key in surface.text_keys()
    }
    return {"locales": list(LOCALES.values()), "definitions": definitions}


def _used(part: Any) -> set[str]:
    """The keys of texts that stand anywhere in a manifest."""
    if isinstance(part, Mapping):
        found = {str(value) for name, value in part.items() if name.endswith("Key")}
        return found.union(*(_used(value) for name, value in part.items() if name != "definitions"))
    return set().union(*map(_used, part)) if isinstance(part, list) else set()


def _named_icons(part: Any) -> set[str]:
    if isinstance(part, Mapping):
        icon = part.get("icon")
        found = {str(icon["name"])} if isinstance(icon, Mapping) else set()
        return found.union(*map(_named_icons, part.values()))
    return set().union(*map(_named_icons, part)) if isinstance(part, list) else set()


@cache
def _schema() -> Mapping[str, Any]:
    found: Mapping[str, Any] = json.loads((files(__package__) / "manifest-schema.json").read_text(encoding="utf-8"))
    return found
