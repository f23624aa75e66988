"""Nodes with the file driver."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.contract.drivers.bench import MIB
from tests.environment.folders import file_system, short_folder

from .file_node import Node


@pytest.fixture
def node() -> Iterator[Node]:
    with short_folder() as folder:
        made = Node(folder, folder / "images")
        try:
            yield made
        finally:
            made.close()


@pytest.fixture
def small() -> Iterator[Node]:
    """A node whose images lie on a file system of 64 MiB."""
    with file_system("mkfs.ext4", "-q", "-m", "0", size=64 * MIB) as point, short_folder() as folder:
        made = Node(folder, point / "images")
        try:
            yield made
        finally:
            made.close()
