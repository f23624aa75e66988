"""What a reader would stumble over: words that nobody translated, controls without a name, text that one can hardly
see."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.sync_api import FrameLocator

# Keys of texts, as they look where a text is missing.
_KEY = re.compile(r"\b(?:ui|view|action|reason|input|step|block|column|state|outcome)(?:\.[a-z][a-z0-9_-]*)+\b")
_NAMELESS = re.compile(r"^\s*- (?:button|link|textbox|combobox|spinbutton|checkbox|tab|menuitem|table)(?::|$)", re.M)
# What a value stands for, as it looks where nobody gave it a name: the name that programs use.
_NAMES = "h3, dt, th[scope=col], legend, label"
_RAW = re.compile(r"^[a-z][a-z0-9]*(?:_[a-z0-9]+)*$")
_LEAST_CONTRAST, _OF_LARGE = 4.5, 3.0

# Every text that is shown, its contrast with what is behind it (WCAG 2, relative luminance), and whether it is large.
_CONTRASTS = """(body) => {
  const channel = (value) => (value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const colour = (text) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = text;
    canvas.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
    return { rgb: [r, g, b], a: a / 255 };
  };
  const over = (front, back) => front.rgb.map((value, at) => value * front.a + back[at] * (1 - front.a));
  const light = (rgb) => {
    const [r, g, b] = rgb.map((value) => channel(value / 255));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (one) => {
    if (!one) return [255, 255, 255];
    const own = colour(getComputedStyle(one).backgroundColor);
    return own.a === 1 ? own.rgb : over(own, behind(one.parentElement));
  };
  const found = [];
  const walker = document.createTreeWalker(body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const text = walker.currentNode.textContent.trim();
    const one = walker.currentNode.parentElement;
    if (!text || !one.checkVisibility({ opacityProperty: true, visibilityProperty: true })) continue;
    if (one.closest(":disabled, [aria-disabled=true], [aria-hidden=true], option, script, style, noscript")) continue;
    const box = one.getBoundingClientRect();
    if (box.width < 2 || box.height < 2) continue;
    const style = getComputedStyle(one);
    const back = behind(one);
    const lights = [light(over(colour(style.color), back)), light(back)].sort((a, b) => b - a);
    const size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    found.push({ text: text.slice(0, 60), contrast: (lights[0] + 0.05) / (lights[1] + 0.05), large });
  }
  return found;
}"""


def faults(page: FrameLocator) -> list[str]:
    """All of it, as sentences; empty when there is nothing."""
    body = page.locator("body")
    words = body.inner_text()
    found = [f"nobody translated {key}" for key in sorted(set(_KEY.findall(words)))]
    found += [f"nobody named {each}" for each in sorted(set(body.locator(_NAMES).all_inner_texts())) if _is_raw(each)]
    found += [f"without a name: {each.strip()}" for each in _NAMELESS.findall(body.aria_snapshot())]
    shown: list[Any] = body.evaluate(_CONTRASTS)
    found += [
        f"hardly to be seen ({each['contrast']:.1f}:1): {each['text']}"
        for each in shown
        if each["contrast"] < (_OF_LARGE if each["large"] else _LEAST_CONTRAST)
    ]
    return found


def _is_raw(name: str) -> bool:
    return _RAW.fullmatch(name.strip()) is not None
