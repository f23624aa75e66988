"""The rules that count here: those that come with the plugin, as an administrator changed them.

The plugin's setting `host_rules` names rules by their ids; `false` puts one out of force, a bound takes the place of
its own (`{"apd-timeout": {"at_least": 60}, "nfs-heap-max": false}`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from importlib.resources import files
from typing import Any

from ....core.errors import Misconfigured
from .rule import Bound, Rule


@cache
def shipped() -> tuple[Rule, ...]:
    """Those that come with the plugin."""
    document = json.loads((files(__package__) / "rules.json").read_text(encoding="utf-8"))
    return tuple(Rule.of(each) for each in document["rules"])


def rules(changes: Mapping[str, Any]) -> Sequence[Rule]:
    """In the order of the data; raises `Misconfigured` for a rule that there is not."""
    known = {each.id for each in shipped()}
    for name in changes:
        if name not in known:
            raise Misconfigured(
                f"There is no rule {name!r} for settings of hosts.",
                next_step=f"Name one of these in host_rules: {', '.join(sorted(known))}.",
            )
    found = []
    for rule in shipped():
        change = changes.get(rule.id, {})
        if change is not False:
            found.append(replace(rule, want=Bound.of(change)) if change else rule)
    return found
