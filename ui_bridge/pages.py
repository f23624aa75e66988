"""The pages that need no script: the overview of what is offered, and what an action is and how it is used.

Pages are plain HTML in the reader's language; whatever comes from elsewhere is escaped.
"""

from __future__ import annotations

from html import escape

from ..plugin_manager.action import Action
from .locale import LOCALES, language
from .manifest import NAME, Surface, title
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


def view_page(surface: Surface, view: View, locale: str, version: str) -> str:
    """The page of a view: what it is, and what can be done."""
    text = surface.texts.get
    actions = surface.on(view.kind) if view.kind else list(surface.actions)
    parts = [f"<h1>{escape(text(view.title, locale))}</h1>", f"<p>{escape(text(view.summary, locale))}</p>"]
    if actions:
        parts.append(f"<h2>{escape(text('page.actions', locale))}</h2>\n<dl>")
        parts += [
            f"<dt>{escape(text(title(action), locale))}</dt>\n<dd>{escape(_summary(surface, action, locale))}</dd>"
            for action in actions
        ]
        parts.append("</dl>")
    parts.append(f"<p><small>{escape(text(NAME, locale))} {escape(version)}</small></p>")
    return _document(text(view.title, locale), "\n".join(parts), locale)


def dialog_page(surface: Surface, action: Action, locale: str) -> str:
    """What an action does, what it takes, and the command that does it."""
    text = surface.texts.get
    name = text(title(action), locale)
    parts = [f"<h1>{escape(name)}</h1>", f"<p>{escape(_summary(surface, action, locale))}</p>"]
    properties = action.input.get("properties", {})
    if properties:
        parts.append(f"<h2>{escape(text('page.input', locale))}</h2>\n<dl>")
        for key, schema in properties.items():
            parts.append(f"<dt><code>{escape(key)}</code></dt>\n<dd>{escape(str(schema.get('description', '')))}</dd>")
        parts.append("</dl>")
    command = f"isthmus {surface.plugin} {action.id} --help"
    parts.append(f"<h2>{escape(text('page.command', locale))}</h2>\n<p><code>{escape(command)}</code></p>")
    return _document(name, "\n".join(parts), locale)


def _summary(surface: Surface, action: Action, locale: str) -> str:
    key = f"action.{action.id}.summary"
    return surface.texts.get(key, locale) if surface.texts.has(key) else action.summary


def _document(name: str, content: str, locale: str) -> str:
    return (
        f'<!doctype html>\n<html lang="{LOCALES[language(locale)]}">\n<head>\n<meta charset="utf-8">\n'
        f"<title>{escape(name)}</title>\n"
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<link rel="stylesheet" href="../style.css">\n</head>\n'
        f"<body>\n<main>\n{content}\n</main>\n</body>\n</html>\n"
    )
