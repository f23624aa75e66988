"""Paths and differences of values."""

from __future__ import annotations

from typing import Any

import pytest

from tests.simulators.vcenter import values
from tests.simulators.vcenter.registry import vim


def options(**wanted: Any) -> Any:
    """An array whose elements have keys."""
    return vim.option.OptionValue.Array([vim.option.OptionValue(key=key, value=value) for key, value in wanted.items()])


def test_a_path_is_taken_apart() -> None:
    steps = values.segments('config.device[4000].extra["a.b"].name')
    assert [(step.name, step.is_key) for step in steps] == [
        ("config", False),
        ("device", False),
        ("4000", True),
        ("extra", False),
        ("a.b", True),
        ("name", False),
    ]


@pytest.mark.parametrize("path", ["", "[1]", "a[", "a..b", "1a", "a b"])
def test_what_is_no_path_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        values.segments(path)


def test_a_part_is_replaced_and_the_old_whole_stays() -> None:
    old = vim.Datastore.Summary(name="a", capacity=1)
    new = values.replaced(old, values.segments("capacity"), 2)
    assert (old.capacity, new.capacity, new.name) == (1, 2, "a")
    with pytest.raises(LookupError):
        values.replaced(None, values.segments("capacity"), 2)


def test_differences_name_what_came_went_and_changed() -> None:
    found = values.differences("setting", options(a=1, b=2, c=3), options(a=1, c=4, d=5))
    assert [(each.path, each.operation, getattr(each.value, "key", each.value)) for each in found] == [
        ('setting["b"]', "remove", None),
        ('setting["c"].value', "assign", 4),
        ('setting["d"]', "add", "d"),
    ]


def test_another_order_is_told_as_a_whole() -> None:
    new = options(b=2, a=1)
    assert list(values.differences("setting", options(a=1, b=2), new)) == [values.Difference("setting", "assign", new)]
    assert list(values.differences("setting", new, options(b=2, a=1))) == []


def test_truth_and_one_are_not_the_same() -> None:
    assert not values.same(True, 1)
    assert not values.same(None, False)
    assert values.same(vim.Datastore("a"), vim.Datastore("a"))
    assert not values.same(vim.Datastore("a"), vim.HostSystem("a"))
