"""The words of the pages themselves."""

from __future__ import annotations

from ..locale import LOCALES, language
from .exchange import Exchange
from .route import Reply, Route

_PREFIX = "ui."
_CACHE = "max-age=300"
# Read before anybody is known, by every page: it says nothing of anybody, and changes with a release only.


def _texts(x: Exchange) -> Reply:
    keys = sorted(key for key in x.surface.texts.by_language[language("")] if key.startswith(_PREFIX))
    return Reply({"locale": LOCALES[language(x.locale)], "texts": {key: x.text(key) for key in keys}}, cache=_CACHE)


ROUTES = (Route("GET", "texts", _texts),)
