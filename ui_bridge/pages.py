"""The pages: what every browser shows, and the shells that the web pages' modules fill.

What needs no script is plain HTML in the reader's language: the overview of what is offered, and what an action is and
how it is used. It is the page itself where the style of the web pages was not fetched, and what a browser without
scripts shows of a shell. Whatever comes from elsewhere is escaped.
"""

from __future__ import annotations

from html import escape

from ..plugin_manager.action import Action
from .asset import Assets
from .locale import LOCALES, language
from .manifest import NAME, Surface, title
from .style import SHEET
from .view import View

STYLE = """\
:root { color-scheme: light dark; font: 14px/1.5 Metropolis, "Segoe UI", "Noto Sans", "Noto Sans CJK SC", sans-serif; }
body { margin: 1.5rem; max-width: 60rem; color: CanvasText; background: Canvas; }
h1 { font-size: 1.5rem; font-weight: 500; margin: 0 0 .5rem; }
h2 { font-size: 1.1rem; font-weight: 500; margin: 1.5rem 0 .25rem; }
dt { font-weight: 600; margin-top: .5rem; }
dd { margin: 0 0 .25rem 0; }
code { font-family: ui-monospace, monospace; }
"""


class Pages:
    """Those of a surface. `version` is the plug-in's."""

    def __init__(self, surface: Surface, assets: Assets, version: str) -> None:
        self._surface, self._assets, self._version = surface, assets, version

    def view(self, name: str, locale: str) -> str | None:
        """The page of a view; None when there is no such view."""
        view = next((each for each in self._surface.views if each.id == name), None)
        if view is None:
            return None
        place = view.place or "global"
        return self._document(self._text(view.title, locale), self._view(view, locale), locale, f"view {name} {place}")

    def dialog(self, name: str, locale: str) -> str | None:
        """The page of an action; None when there is no such action."""
        action = next((each for each in self._surface.actions if each.id == name), None)
        if action is None:
            return None
        heading = self._text(title(action), locale)
        return self._document(heading, self._dialog(action, locale), locale, f"dialog {name} modal")

    def _view(self, view: View, locale: str) -> str:
        """What it is, and what can be done."""
        text, surface = self._text, self._surface
        actions = surface.on(view.kind) if view.kind else list(surface.actions)
        parts = [f"<h1>{escape(text(view.title, locale))}</h1>", f"<p>{escape(text(view.summary, locale))}</p>"]
        if actions:
            parts.append(f"<h2>{escape(text('page.actions', locale))}</h2>\n<dl>")
            parts += [
                f"<dt>{escape(text(title(action), locale))}</dt>\n<dd>{escape(self._summary(action, locale))}</dd>"
                for action in actions
            ]
            parts.append("</dl>")
        parts.append(f"<p><small>{escape(text(NAME, locale))} {escape(self._version)}</small></p>")
        return "\n".join(parts)

    def _dialog(self, action: Action, locale: str) -> str:
        """What an action does, what it takes, and the command that does it."""
        parts = [
            f"<h1>{escape(self._text(title(action), locale))}</h1>",
            f"<p>{escape(self._summary(action, locale))}</p>",
        ]
        properties = action.input.get("properties", {})
        if properties:
            parts.append(f"<h2>{escape(self._text('page.input', locale))}</h2>\n<dl>")
            for key, schema in properties.items():
                said = escape(str(schema.get("description", "")))
                parts.append(f"<dt><code>{escape(key)}</code></dt>\n<dd>{said}</dd>")
            parts.append("</dl>")
        command = f"isthmus {self._surface.plugin} {action.id} --help"
        parts.append(f"<h2>{escape(self._text('page.command', locale))}</h2>\n<p><code>{escape(command)}</code></p>")
        return "\n".join(parts)

    def _summary(self, action: Action, locale: str) -> str:
        key = f"action.{action.id}.summary"
        return self._text(key, locale) if self._surface.texts.has(key) else action.summary

    def _text(self, key: str, locale: str) -> str:
        return self._surface.texts.get(key, locale)

    def _document(self, name: str, plain: str, locale: str, page: str) -> str:
        """`page` is for the modules: what kind of page this is, its id, and where it is shown."""
        if self._assets.complete:
            sheets = (f"vendor/{SHEET}", "pages.css")
            head = [f'<link rel="stylesheet" href="../web/{self._assets.address(sheet)}">' for sheet in sheets]
            head.append(f'<script type="module" src="../web/{self._assets.address("main.js")}"></script>')
            body = f'<main id="page" data-page="{escape(page)}"></main>\n<noscript><main>\n{plain}\n</main></noscript>'
        else:
            head = ['<link rel="stylesheet" href="../style.css">']
            body = f"<main>\n{plain}\n</main>"
        return "\n".join(
            (
                "<!doctype html>",
                f'<html lang="{LOCALES[language(locale)]}">',
                '<head>\n<meta charset="utf-8">',
                f"<title>{escape(name)}</title>",
                '<meta name="viewport" content="width=device-width, initial-scale=1">',
                *head,
                f"</head>\n<body>\n{body}\n</body>\n</html>\n",
            )
        )
