"""A datastore: the card on its summary, and its page with volume, snapshots, attachments, trends and operations."""

from __future__ import annotations

from collections.abc import Sequence

from ....core.errors import IsthmusError
from ....core.model.identity import now
from ....ui_bridge.block import Block, Cell, Entry, Facts, Notice, Table, Trend, bar, moment, number, size, text
from ..actions.declared.protect import PROTECT
from ..actions.declared.snapshot import SNAPSHOT
from ..actions.schedule import Schedule, scheduled
from ..inventory.item import Item, Reference
from . import raised, trends
from .behind import Behind, behind
from .disks import uuid
from .operations import operations_of
from .performance import latencies
from .scene import MOST_ROWS, Scene


def card(scene: Scene) -> Sequence[Block]:
    """The volume behind it at a glance; why not, where it is none of ours."""
    store = scene.item()
    found, first = behind(scene, store), [*scene.stale(), *raised.of_store(scene, store.name)]
    if isinstance(found, Notice):
        return [*first, found]
    return [
        *first,
        Facts(scene.words("volume"), _facts(scene, store, found)),
        trends.capacity(scene.words, found.history),
        _latency(scene, store),
    ]


def page(scene: Scene) -> Sequence[Block]:
    """All that is known of it."""
    words, store = scene.words, scene.item()
    found, first = behind(scene, store), [*scene.stale(), *raised.of_store(scene, store.name)]
    operations = operations_of(scene, str(scene.target))
    if isinstance(found, Notice):
        return [*first, found, operations]
    volume = found.stored.volume
    facts = [
        *_facts(scene, store, found),
        (words("identifier"), text(volume.identifier)),
        (words("protocol"), text(volume.protocol)),
        (words("created"), moment(volume.created_at)),
    ]
    return [
        *first,
        Facts(words("volume"), facts),
        _snapshots(scene, found),
        _attachments(scene, found),
        _latency(scene, store),
        trends.throughput(words, found.history),
        trends.capacity(words, found.history),
        operations,
    ]


def _facts(scene: Scene, store: Item, found: Behind) -> list[tuple[str, Cell]]:
    words, volume, pool = scene.words, found.stored.volume, found.stored.pool
    accessible = "accessible" if store.get("summary.accessible") else "inaccessible"
    facts = [
        (words("name"), text(volume.name)),
        (words("state"), words.state("volume", volume.state)),
        (words("health"), words.state("datastore", accessible)),
        (words("size"), size(volume.size)),
        (words("allocated"), bar(found.now.allocated_bytes if found.now else None, volume.size)),
        (words("used"), _used(store)),
        (words("profile"), text(found.stored.profile)),
        (words("pool"), text(pool.name if pool is not None else None)),
        (words("system"), text(found.stored.system)),
        (words("snapshots"), number(None if found.snapshots is None else len(found.snapshots))),
        *_scheduled(scene, found),
    ]
    if pool is not None:
        facts.insert(8, (words("pool.state"), words.state("pool", pool.state)))
    return facts


def _scheduled(scene: Scene, found: Behind) -> list[tuple[str, Cell]]:
    """When snapshots are taken by themselves, as far as the system lets that be said here."""
    words, schedule = scene.words, found.schedule
    if schedule is None:
        return []
    facts = [(words("schedule"), text(_said(scene, schedule)))]
    taken = scheduled(found.snapshots or ())
    if schedule.takes is not None or taken:
        facts.append((words("schedule.snapshots"), number(None if found.snapshots is None else len(taken))))
    if schedule.takes is not None:
        facts.append((words("schedule.next"), moment(schedule.takes.next_after(now()))))
    return facts


def _said(scene: Scene, schedule: Schedule) -> str:
    words, said = scene.words, schedule.to_json()
    if schedule.protection is None:
        return words("schedule.none")
    parts = [words(f"schedule.every.{said['every']}")]
    if said["keep"] is not None:
        parts.append(words("schedule.keep", count=said["keep"]))
    if said["days"] is not None:
        parts.append(words("schedule.days", days=said["days"]))
    return words(f"schedule.{said['by']}", what=words.listed(parts))


def _used(store: Item) -> Cell:
    """Of the file system, which is not what the volume occupies."""
    capacity, free = store.get("summary.capacity"), store.get("summary.freeSpace")
    known = isinstance(capacity, int) and isinstance(free, int)
    return bar(capacity - free if known else None, capacity)


def _snapshots(scene: Scene, found: Behind) -> Table:
    words = scene.words
    rows = [
        Entry(
            each.id,
            {
                "name": text(each.name),
                "state": words.state("snapshot", each.state),
                "size": size(each.size),
                "created": moment(each.created_at),
            },
            scene.actions("Datastore", taking="snapshot"),
            str(scene.target),
            {"snapshot": each.id},
        )
        for each in sorted(found.snapshots or (), key=lambda each: each.created_at, reverse=True)
    ]
    empty = words("snapshots.unknown" if found.snapshots is None else "snapshots.none")
    return Table(
        "snapshots",
        words("snapshots"),
        words.columns("name", "state", "size", "created"),
        rows[:MOST_ROWS],
        empty,
        [each for each in scene.actions("Datastore") if each in (SNAPSHOT.id, PROTECT.id)],
        more=len(rows) > MOST_ROWS,
    )


def _attachments(scene: Scene, found: Behind) -> Table:
    words = scene.words
    rows = []
    for each in found.attachments:
        host = found.hosts.get(each.host)
        cells = {
            "host": text(host.name if host is not None else each.host),
            "initiator": text(", ".join(one.name for one in host.initiators) if host is not None else None),
            "state": words.state("attachment", each.state),
            "target": text(str(each.connection.get("iqn", ""))),
        }
        rows.append(Entry(each.id, cells))
    return Table(
        "attachments",
        words("attachments"),
        words.columns("host", "initiator", "state", "target"),
        rows[:MOST_ROWS],
        words("attachments.none"),
        more=len(rows) > MOST_ROWS,
    )


def _latency(scene: Scene, store: Item) -> Trend:
    """As the hosts that the reader may see measured it; nothing where they may not be asked."""
    mounts: Sequence[dict[str, Reference]] = store.get("host") or ()
    try:
        hosts = [each.reference for each in scene.named(mount["key"] for mount in mounts)]
        reads, writes = scene.seat.ask(lambda connection, who: latencies(connection, hosts, uuid(store)))
    except IsthmusError:
        reads, writes = [], []
    return trends.latency(scene.words, reads, writes)
