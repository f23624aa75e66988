"""What administrators choose about extensions, and what they are told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.metadata import EntryPoint
from typing import Any, ClassVar

import pytest

from isthmus.core.errors import Conflict, InUse, Invalid, Misconfigured, NotFound
from isthmus.plugin_manager.base import Base
from isthmus.plugin_manager.loader import Found
from isthmus.plugin_manager.manager import HIDDEN, RESTART, Choice, Manager
from isthmus.plugin_manager.namespaces import Namespace


class Settled(Base):
    name = "settled"
    contract_version = 1
    settings_schema: ClassVar[Mapping[str, Any]] = {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "colour": {"enum": ["red", "green"], "default": "red"},
            "password": {"type": "string", "minLength": 8, "writeOnly": True},
        },
    }


class Demanding(Base):
    name = "demanding"
    contract_version = 1
    settings_schema: ClassVar[Mapping[str, Any]] = {"type": "object", "required": ["address"]}


class Memory:
    """Choices in memory."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], Choice] = {}

    def all(self) -> Mapping[tuple[str, str], Choice]:
        return dict(self.kept)

    def put(
        self,
        namespace: str,
        name: str,
        *,
        enabled: bool,
        settings: Mapping[str, Any],
        secrets: Mapping[str, str | None],
    ) -> None:
        before = self.kept.get((namespace, name), Choice()).secrets or {}
        kept = {n: v for n, v in {**before, **secrets}.items() if v is not None}
        self.kept[namespace, name] = Choice(enabled, dict(settings), kept or None)


class Point(EntryPoint):
    """An entry point of an object that is at hand, noting that it was loaded."""

    loaded: list[str] = []  # noqa: RUF012 - shared on purpose

    def load(self) -> Any:
        self.loaded.append(self.name)
        return {"settled": Settled, "demanding": Demanding}[self.name]


class Absent(EntryPoint):
    """An entry point whose module needs a package that is not installed."""

    def load(self) -> Any:
        raise ModuleNotFoundError("No module named 'elsewhere'", name="elsewhere")


@pytest.fixture
def choices() -> Memory:
    Point.loaded.clear()
    return Memory()


def manager(choices: Memory, **given: Any) -> Manager:
    def find(namespace: Namespace) -> Sequence[Found]:
        if namespace.name != "plugins":
            return ()
        return [
            Found(namespace, name, Point(name, "somewhere:It", "isthmus.plugins"), "somebody", "1")
            for name in ("demanding", "settled")
        ]

    return Manager(choices, find, **given)


def test_everything_found_is_enabled_until_somebody_disables_it(choices: Memory) -> None:
    assert manager(choices).names("plugins") == ("demanding", "settled")
    assert Point.loaded == []


def test_disabling_takes_effect_at_the_next_start_and_says_so(choices: Memory) -> None:
    running = manager(choices)
    report = running.configure("plugins", "settled", enabled=False)
    assert (report.state, report.enabled, report.details) == ("available", False, {"pending": RESTART})
    assert running.names("plugins") == ("demanding", "settled")
    restarted = manager(choices)
    assert restarted.names("plugins") == ("demanding",)
    report = restarted.get("plugins", "settled")
    assert (report.state, report.enabled, report.details) == ("disabled", False, {})
    with pytest.raises(Misconfigured, match="is disabled"):
        restarted.load("plugins", "settled")


def test_what_the_installation_cannot_do_without_stays_enabled_whatever_was_chosen(choices: Memory) -> None:
    needed = {("plugins", "settled")}
    with pytest.raises(Conflict, match="settled stays enabled"):
        manager(choices, needed=needed).configure("plugins", "settled", enabled=False)
    assert not choices.kept
    choices.kept["plugins", "settled"] = Choice(enabled=False, settings={"colour": "green"})
    running = manager(choices, needed=needed)
    assert running.names("plugins") == ("demanding", "settled")
    report = running.get("plugins", "settled")
    assert (report.enabled, report.details, report.settings) == (True, {}, {"colour": "green"})
    running.configure("plugins", "demanding", enabled=False)
    assert choices.kept["plugins", "demanding"].enabled is False


def test_what_others_use_is_not_disabled(choices: Memory) -> None:
    users = {("plugins", "settled"): "the systems a, b"}
    running = manager(choices, dependants=lambda *key: users.get(key, ""))
    with pytest.raises(InUse, match="used by the systems a, b"):
        running.configure("plugins", "settled", enabled=False)
    running.configure("plugins", "settled", settings={"colour": "green"})
    running.configure("plugins", "demanding", enabled=False)


def test_what_was_to_be_used_and_cannot_is_a_finding(choices: Memory) -> None:
    running = manager(choices)
    running.mark_broken("plugins", "settled", "not used by anybody")
    assert running.findings() == []
    list(running.loadable("plugins"))
    (finding,) = running.findings()
    assert (finding.level, finding.check) == ("warning", "plugin settled")
    assert "not used by anybody" in finding.text
    for extras, reported in (("", True), (" [more]", False)):
        point = Absent("absent", f"somewhere:It{extras}", "isthmus.plugins")
        lacking = Manager(
            choices,
            lambda namespace, point=point: (
                [Found(namespace, "absent", point, "somebody", "1")] if namespace.name == "plugins" else ()
            ),
        )
        assert list(lacking.loadable("plugins")) == []
        assert bool(lacking.findings()) is reported


def test_settings_that_do_not_agree_with_each_other_are_refused(choices: Memory) -> None:
    real = Manager(choices)
    with pytest.raises(Invalid, match="last_port is smaller"):
        real.configure("targets", "nbd", settings={"first_port": 15000})
    assert not choices.kept
    real.configure("targets", "nbd", settings={"first_port": 15000, "last_port": 15999})


def test_what_is_disabled_is_not_imported(choices: Memory) -> None:
    manager(choices).configure("plugins", "settled", enabled=False)
    Point.loaded.clear()
    restarted = manager(choices)
    assert [name for name, _ in restarted.loadable("plugins")] == ["demanding"]
    restarted.list()
    assert Point.loaded == ["demanding"]


def test_settings_are_checked_before_they_are_kept(choices: Memory) -> None:
    running = manager(choices)
    for wrong in ({"colour": "blue"}, {"nonsense": 1}, {"password": "short"}, {"password": 12345678}):
        with pytest.raises(Invalid) as raised:
            running.configure("plugins", "settled", settings=wrong)
        assert "short" not in str(raised.value)
    assert choices.kept == {}


def test_secrets_are_never_shown_and_stay_when_they_are_not_named(choices: Memory) -> None:
    running = manager(choices)
    report = running.configure("plugins", "settled", settings={"colour": "green", "password": "correct horse"})
    assert report.settings == {"colour": "green", "password": HIDDEN}
    # What a client read and sends back changes nothing.
    running.configure("plugins", "settled", settings=dict(report.settings))
    running.configure("plugins", "settled", settings={"colour": "red"})
    restarted = manager(choices)
    assert restarted.settings("plugins", "settled", Settled.settings_schema) == {
        "colour": "red",
        "password": "correct horse",
    }
    restarted.configure("plugins", "settled", settings={"password": None})
    assert "password" not in manager(choices).settings("plugins", "settled", Settled.settings_schema)
    assert "correct horse" not in repr(choices.all())


def test_defaults_are_filled_in(choices: Memory) -> None:
    assert manager(choices).settings("plugins", "settled", Settled.settings_schema) == {"colour": "red"}


def test_settings_that_are_missing_are_named(choices: Memory) -> None:
    with pytest.raises(Invalid, match="'address' is a required property"):
        manager(choices).settings("plugins", "demanding", Demanding.settings_schema)


def test_what_could_not_be_used_after_all_is_reported(choices: Memory) -> None:
    running = manager(choices)
    assert running.load("plugins", "settled") is Settled
    assert running.get("plugins", "settled").state == "loaded"
    running.mark_broken("plugins", "settled", "It would not start.")
    report = running.get("plugins", "settled")
    assert (report.state, report.reason) == ("broken", "It would not start.")


def test_what_is_not_there_is_not_found(choices: Memory) -> None:
    running = manager(choices)
    for namespace, name in (("plugins", "nobody"), ("nowhere", "settled")):
        with pytest.raises(NotFound):
            running.get(namespace, name)
        with pytest.raises(NotFound):
            running.configure(namespace, name, enabled=True)
    with pytest.raises(Misconfigured, match="There is no plugin"):
        running.load("plugins", "nobody")
