"""Real processes that are killed, stopped and continued while they run operations of one database."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from isthmus.core.model.operation import OperationState
from tests.integration.journal.server import STEPS, work_flow
from tests.unit.journal.chaos import effects
from tests.unit.journal.world import World, until

AN_HOUR = "3600"


class Servers:
    """The processes of a test, on one database and one folder of things."""

    def __init__(self, world: World, folder: Path, checkout: Path) -> None:
        self.world, self.folder, self.checkout = world, folder, checkout
        self.flow = work_flow(folder)
        world.flows.register(self.flow)
        effects.metadata.create_all(world.database.engine)
        self.processes: list[subprocess.Popen[str]] = []
        self.url = world.url

    def start(self, node: str = "here", lease: str = "1.0") -> subprocess.Popen[str]:
        """A process whose journal has started."""
        command = [sys.executable, "-m", "tests.integration.journal.server", self.url, str(self.folder), node, lease]
        process = subprocess.Popen(
            command,
            cwd=self.checkout,
            stdout=subprocess.PIPE,
            stderr=(self.folder / "log").open("a"),
            text=True,
        )
        self.processes.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == "started\n", self.log()
        return process

    def kill(self, process: subprocess.Popen[str]) -> None:
        process.kill()
        process.wait(20)
        self.processes.remove(process)

    def end(self) -> None:
        for process in self.processes:
            process.kill()
            process.wait(20)

    def accept(self, **data: object) -> str:
        return self.world.accept(self.flow, data=data)

    def begun(self, identifier: str, step: str) -> None:
        """Wait until a step of the operation runs."""
        until(lambda: (self.folder / f"{identifier}.{step}.begun").exists())

    def done(self, identifier: str) -> None:
        """Wait until it is done, and check that each step's thing is there and its rows were written once."""
        until(lambda: not self.world.get(identifier).state.live, 60.0)
        assert self.world.get(identifier).state is OperationState.DONE, self.world.get(identifier)
        with self.world.database.read() as tx:
            rows = tx.execute(select(effects.c.what).where(effects.c.operation == identifier)).scalars().all()
        assert Counter(rows) == Counter(STEPS)
        assert all((self.folder / f"{identifier}.{step}").exists() for step in STEPS)

    def log(self) -> str:
        return (self.folder / "log").read_text()


@pytest.fixture
def servers(world: World, tmp_path: Path, checkout: Path) -> Iterator[Servers]:
    folder = tmp_path / "things"
    folder.mkdir()
    servers = Servers(world, folder, checkout)
    yield servers
    servers.end()


def test_operations_survive_any_number_of_killed_servers(servers: Servers) -> None:
    chance = random.Random(7)
    for number in range(3):
        servers.start(node=f"node{number % 2}")
    identifiers = [servers.accept(pause=chance.uniform(0.0, 0.05)) for _ in range(60)]
    for _ in range(6):
        victim = chance.choice(servers.processes)
        servers.kill(victim)
        servers.start(node=f"node{chance.randrange(2)}")
        identifiers += [servers.accept(pause=chance.uniform(0.0, 0.2)) for _ in range(10)]
    for identifier in identifiers:
        servers.done(identifier)


def test_another_machine_takes_over_when_the_lease_has_lapsed(servers: Servers) -> None:
    first = servers.start(node="one")
    identifier = servers.accept(waits=True)
    servers.begun(identifier, "work")
    servers.start(node="two")
    servers.kill(first)
    (servers.folder / "go").touch()
    servers.done(identifier)
    assert servers.world.column(identifier, "epoch") == 4, "accepted, taken up, taken over, ended"


def test_a_start_takes_over_at_once_from_a_killed_process_of_the_node(servers: Servers) -> None:
    first = servers.start(lease=AN_HOUR)
    identifier = servers.accept(waits=True)
    servers.begun(identifier, "work")
    servers.kill(first)
    (servers.folder / "go").touch()
    servers.start(lease=AN_HOUR)
    servers.done(identifier)


def test_a_sibling_on_the_node_sees_the_death_without_waiting_for_the_lease(servers: Servers) -> None:
    first = servers.start(lease=AN_HOUR)
    identifier = servers.accept(waits=True)
    servers.begun(identifier, "work")
    servers.start(lease=AN_HOUR)
    servers.kill(first)
    (servers.folder / "go").touch()
    servers.done(identifier)


def test_a_clean_stop_hands_over_at_once(servers: Servers) -> None:
    first = servers.start(node="one", lease=AN_HOUR)
    identifier = servers.accept(waits=True)
    servers.begun(identifier, "work")
    servers.start(node="two", lease=AN_HOUR)
    first.send_signal(signal.SIGTERM)
    assert first.wait(20) == 0
    (servers.folder / "go").touch()
    servers.done(identifier)


def test_a_stopped_process_that_comes_back_is_fenced_out(servers: Servers) -> None:
    zombie = servers.start(node="one")
    identifier = servers.accept(waits=True)
    servers.begun(identifier, "work")
    os.kill(zombie.pid, signal.SIGSTOP)
    (servers.folder / "go").touch()
    other = servers.start(node="two")
    servers.done(identifier)
    epoch = servers.world.column(identifier, "epoch")
    servers.kill(other)
    os.kill(zombie.pid, signal.SIGCONT)
    until(lambda: "this runner's work was refused" in servers.log())
    servers.done(identifier)
    assert servers.world.column(identifier, "epoch") == epoch
    later = servers.accept()
    servers.done(later)
