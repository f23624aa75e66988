"""The texts of the browser's side, complete in every language that is offered."""

from __future__ import annotations

import json
import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

LOCALES: Mapping[str, str] = {"en": "en-US", "de": "de-DE", "zh": "zh-CN"}
"""Our languages, and the one locale of each that a manifest names (its pattern is `xx-XX`)."""

DEFAULT = "en"
_UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")


def language(locale: str) -> str:
    """The language of ours that serves `locale` (`de-AT`, `zh_CN`, `zh-Hans`) best; English for all others."""
    wanted = locale.replace("_", "-").partition("-")[0].lower()
    return wanted if wanted in LOCALES else DEFAULT


def spoken_size(count: float, locale: str = DEFAULT) -> str:
    """A size in bytes within a sentence: three digits or so."""
    value, unit = float(count), 0
    while abs(value) >= 1024 and unit < len(_UNITS) - 1:
        value, unit = value / 1024, unit + 1
    text = f"{value:.0f}" if unit == 0 or value >= 100 else f"{value:.1f}".removesuffix(".0")
    return f"{text.replace('.', ',') if language(locale) == 'de' else text} {_UNITS[unit]}"


@dataclass(frozen=True, slots=True)
class Texts:
    """Texts by language and key. Every key is there in every language; `missing` says what is not."""

    by_language: Mapping[str, Mapping[str, str]]

    @classmethod
    def load(cls, *packages: str) -> Texts:
        """Those in `locales/LANGUAGE/*.json` of each package. Raises ValueError for a key that stands twice."""
        merged: dict[str, dict[str, str]] = {name: {} for name in LOCALES}
        for package in packages:
            for name, found in merged.items():
                for part in (files(package) / "locales" / name).iterdir():
                    if not part.name.endswith(".json"):
                        continue
                    texts = json.loads(part.read_text(encoding="utf-8"))
                    twice = sorted(texts.keys() & found.keys())
                    if twice:
                        raise ValueError(f"{package}: {name}/{part.name} says {twice[0]} a second time")
                    found.update(texts)
        return cls(merged)

    def get(self, key: str, locale: str = DEFAULT, /, **values: Any) -> str:
        """The text in the locale's language with `{name}` filled in, and `{name:bytes}` as a size; in English, then the
        key, where it is missing."""
        for name in (language(locale), DEFAULT):
            found = self.by_language.get(name, {}).get(key)
            if found is not None:
                return _Filling(name).vformat(found, (), values) if values else found
        return key

    def has(self, key: str) -> bool:
        """Whether some language has it."""
        return any(key in found for found in self.by_language.values())

    def missing(self) -> Sequence[str]:
        """`language: key` for each key that another language has."""
        every = {key for found in self.by_language.values() for key in found}
        return sorted(f"{name}: {key}" for name, found in self.by_language.items() for key in every - found.keys())


class _Filling(string.Formatter):
    """What fills a text, as its language writes it."""

    def __init__(self, locale: str) -> None:
        self._locale = locale

    def format_field(self, value: Any, format_spec: str) -> Any:
        if format_spec != "bytes":
            return super().format_field(value, format_spec)
        return spoken_size(value, self._locale) if isinstance(value, int | float) else str(value)
