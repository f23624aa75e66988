"""What the iscsi target promises beyond every target's promises, with a real tgtd and real initiators."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from isthmus.core.datapath import process
from isthmus.core.drivers.contract import Export, Grant
from isthmus.core.errors import Refused, StorageError, Unavailable
from isthmus.core.model.attachment import AccessMode, Connection
from isthmus.core.targets.iscsi import reopening
from isthmus.core.targets.iscsi.tgt import Tgt
from tests.contract.drivers.bench import MIB
from tests.contract.hosts import BusyHost
from tests.contract.patience import eventually
from tests.contract.targets.iscsi_bench import USER, IscsiBench, IscsiExports, folder
from tests.environment import iscsi
from tests.environment.iscsi import Conflict, Initiator

pytestmark = [pytest.mark.server, pytest.mark.skipif(bool(iscsi.missing()), reason=iscsi.missing())]


@pytest.fixture
def exports() -> Iterator[IscsiExports]:
    for path in folder():
        made = IscsiExports(IscsiBench(path))
        try:
            yield made
        finally:
            made.close()


def test_every_order_of_leaving_a_shared_volume_keeps_the_others_in(exports: IscsiExports) -> None:
    export = exports.export()
    names = ("a", "b", "c", "d")
    for order in ("abcd", "dcba", "bdac", "cabd"):
        life = exports.life
        grants = {name: exports.hosts.host_grant(shared=True) for name in names}
        connections = {name: exports.grant(export, grant)[1] for name, grant in grants.items()}
        assert len({connection.public["iqn"] for connection in connections.values()}) == 1
        inside = set(names)
        for leaver in order:
            exports.publisher.withdraw(export, grants[leaver].attachment)
            inside.remove(leaver)
            assert exports.publisher.granted(export) == {grants[name].attachment for name in inside}
            for name in names:
                assert exports.refuses(connections[name], grants[name]) == (name not in inside), (order, leaver, name)
        assert exports.life == life
        assert list(exports.target.inventory()) == []


def test_hosts_that_come_and_go_leave_no_accounts_behind(exports: IscsiExports) -> None:
    export = exports.export()
    staying, connection = exports.grant(export, exports.hosts.host_grant(shared=True))
    for _ in range(6):
        grant, _ = exports.grant(export, exports.hosts.host_grant(shared=True))
        exports.publisher.withdraw(export, grant.attachment)
    with exports.client(connection, staying) as client:
        client.write(0, bytes(4096))
    accounts = exports.tgt.accounts()
    assert staying.user in accounts and len(accounts) <= 4
    exports.publisher.withdraw(export, staying.attachment)
    assert exports.tgt.accounts() == frozenset()


def test_a_crash_in_the_middle_of_an_exchange_of_accounts_is_made_good(
    exports: IscsiExports, monkeypatch: pytest.MonkeyPatch
) -> None:
    export = exports.export()
    leaver, _ = exports.grant(export, exports.hosts.host_grant(shared=True))
    stayer, connection = exports.grant(export, exports.hosts.host_grant(shared=True))
    life = exports.life
    with monkeypatch.context() as patch:
        patch.setattr(Tgt, "bind_account", _crash)
        with pytest.raises(KeyboardInterrupt):
            exports.publisher.withdraw(export, leaver.attachment)
    # The hole is there now: the next question for all targets would end tgtd.
    assert exports.another().granted(export) == {stayer.attachment}
    assert exports.life == life
    exports.another().withdraw(export, leaver.attachment)
    with exports.client(connection, stayer) as client:
        client.write(0, bytes(4096))


def _crash(*_: object, **__: object) -> bool:
    raise KeyboardInterrupt


def test_reservations_hold_between_the_hosts_of_a_shared_volume(exports: IscsiExports) -> None:
    export = exports.export()
    first, to_first = exports.grant(export, exports.hosts.host_grant(shared=True))
    second, to_second = exports.grant(export, exports.hosts.host_grant(shared=True))
    with exports.client(to_first, first) as one, exports.client(to_second, second) as other:
        assert isinstance(one, Initiator) and isinstance(other, Initiator)
        one.register(1)
        other.register(2)
        one.reserve_persistently(1)
        with pytest.raises(Conflict):
            other.reserve_persistently(2)
    with exports.client(to_first, first) as one, exports.client(to_second, second) as other:
        assert isinstance(one, Initiator)
        one.reserve()
        with pytest.raises(Conflict):
            other.write(0, bytes(4096))


def test_a_host_that_only_reads_shares_the_volume_but_not_the_target(exports: IscsiExports) -> None:
    export = exports.export()
    writer, to_writer = exports.grant(export, exports.hosts.host_grant(shared=True))
    reader, to_reader = exports.grant(export, exports.hosts.host_grant(AccessMode.READ_ONLY, shared=True))
    with exports.client(to_writer, writer) as one, exports.client(to_reader, reader) as other:
        one.write(0, b"w" * 4096)
        assert other.read(0, 4096) == b"w" * 4096
        assert one.identifier == other.identifier == export.identifier
        with pytest.raises(OSError, match=r"WRITE_PROTECT|DATA_PROTECTION"):
            other.write(0, b"r" * 4096)
    # The credentials of the reader do not open what the writer may use.
    assert exports.refuses(replace(to_reader, public={**to_reader.public, "iqn": to_writer.public["iqn"]}), reader)


def test_hosts_without_names_share_by_their_credentials_alone(exports: IscsiExports) -> None:
    export = exports.export()
    leaver = replace(exports.hosts.host_grant(shared=True), initiators=())
    stayer = replace(exports.hosts.host_grant(shared=True), initiators=())
    to_leaver, to_stayer = exports.grant(export, leaver)[1], exports.grant(export, stayer)[1]
    one = Initiator(to_leaver, "iqn.2001-01.example:one")
    other = Initiator(to_stayer, "iqn.2001-01.example:other", reconnects=True)
    one.write(0, b"1" * 4096)
    exports.publisher.withdraw(export, leaver.attachment)
    with pytest.raises(OSError):
        one.write(0, b"2" * 4096)
    other.write(4096, b"3" * 4096)
    with pytest.raises(OSError):
        Initiator(to_leaver, "iqn.2001-01.example:one")
    other.close()
    assert exports.read(export, 0, 8192) == b"1" * 4096 + b"3" * 4096


def test_a_host_under_anothers_name_is_shut_out_by_detaching_all_and_attaching_who_stays(exports: IscsiExports) -> None:
    export = exports.export()
    leaver, to_leaver = exports.grant(export, exports.hosts.host_grant(shared=True))
    stayer, to_stayer = exports.grant(export, exports.hosts.host_grant(shared=True))
    with exports.client(to_stayer, stayer) as other, BusyHost(other, MIB) as host:
        impostor = Initiator(to_leaver, stayer.initiators[0])
        impostor.write(0, b"1" * 4096)
        exports.publisher.withdraw(export, leaver.attachment)
        # The name stays, the account does not: nobody comes in with it any more.
        with pytest.raises(OSError):
            Initiator(to_leaver, stayer.initiators[0])
        now = host.rounds
        eventually(lambda: host.rounds > now + 3 or host.failure is not None, "the other host works on")
    assert host.failure is None
    exports.publisher.withdraw(export, stayer.attachment)
    with pytest.raises(OSError):
        impostor.write(0, b"2" * 4096)
    _, to_stayer = exports.grant(export, stayer)
    with exports.client(to_stayer, stayer) as other:
        assert other.read(0, 4096) == b"1" * 4096
    with pytest.raises(OSError):
        impostor.write(0, b"3" * 4096)
    impostor.close()


def test_everything_comes_back_after_tgtd_was_killed(exports: IscsiExports) -> None:
    first, second = exports.export(), exports.export()
    own, to_own = exports.grant(first)
    shared, to_shared = exports.grant(second, exports.hosts.host_grant(shared=True))
    with exports.client(to_own, own) as client:
        client.write(0, b"k" * 4096)
    life = exports.life
    exports.bench.kill_daemons()
    with pytest.raises(StorageError, match="published again"):
        exports.target.check()
    assert exports.life == ""
    assert exports.publisher.granted(first) == frozenset() and list(exports.target.inventory()) == []
    assert exports.publisher.grant(first, own) == to_own
    assert exports.life not in ("", life)
    exports.target.check()
    assert exports.publisher.granted(second) == frozenset()
    assert exports.publisher.grant(second, shared) == to_shared
    with exports.client(to_own, own) as client, exports.client(to_shared, shared) as other:
        assert client.read(0, 4096) == b"k" * 4096
        assert (client.identifier, other.identifier) == (first.identifier, second.identifier)


def test_what_a_dead_tgtd_published_can_be_withdrawn(exports: IscsiExports) -> None:
    export = exports.export()
    grant, _ = exports.grant(export)
    exports.bench.kill_daemons()
    exports.publisher.withdraw(export, grant.attachment)
    assert exports.publisher.granted(export) == frozenset()
    again, connection = exports.grant(export)
    with exports.client(connection, again) as client:
        client.read(0, 4096)


def test_a_tgtd_that_hangs_is_reported_and_used_again_when_it_goes_on(exports: IscsiExports) -> None:
    export = exports.export()
    grant, connection = exports.grant(export)
    target = replace(exports.bench, settings={"answer_seconds": 0.2}).started()
    os.kill(exports.bench.tgtd()[0], signal.SIGSTOP)
    try:
        with pytest.raises(StorageError, match="does not answer"):
            target.check()
        with pytest.raises(StorageError, match="does not answer"):
            target.grant(export, exports.bench.device(export.placement), grant)
    finally:
        os.kill(exports.bench.tgtd()[0], signal.SIGCONT)
    assert exports.publisher.grant(export, grant) == connection


def test_a_port_that_is_taken_is_named_and_nothing_is_left_running(exports: IscsiExports) -> None:
    port = int(exports.grant(exports.export())[1].public["portals"][0].rpartition(":")[2])
    other = IscsiBench(exports.bench.folder / "other", {"port": port})
    for path in (other.folder, other.folder / "run"):
        path.mkdir()
        path.chmod(0o711)
    with pytest.raises(Unavailable, match=f"port {port}"):
        other.started()
    assert not list((other.folder / "state").glob("tgtd.json"))


def test_hosts_that_write_without_a_pause_lose_no_write_while_it_grows(exports: IscsiExports) -> None:
    export = exports.export()
    grant, connection = exports.grant(export)
    client = Initiator(connection, grant.initiators[0], reconnects=True)
    size = exports.size
    with BusyHost(client) as host:
        for _ in range(2):
            size += MIB
            before = host.rounds
            eventually(lambda: host.rounds > before + 20 or host.failure is not None, "the host writes", 20)  # noqa: B023
            resized = exports.publisher.resize(export, exports.grower(export, size))
            assert resized.online and resized.allocated.size == size
        before = host.rounds
        eventually(lambda: host.rounds > before + 20 or host.failure is not None, "the host writes on", 20)
    assert host.failure is None
    assert client.size == size
    client.write(size - 4096, b"e" * 4096)
    client.close()


def test_a_crash_while_logins_are_turned_away_is_made_good_by_the_next_start(
    exports: IscsiExports, monkeypatch: pytest.MonkeyPatch
) -> None:
    export = exports.export()
    grant, connection = exports.grant(export)
    with exports.client(connection, grant) as client, BusyHost(client), monkeypatch.context() as patch:
        patch.setattr(reopening, "make_ready", _crash)
        with pytest.raises(KeyboardInterrupt):
            exports.publisher.resize(export, exports.grower(export, 2 * exports.size))
    assert exports.refuses(connection, grant)
    exports.another()
    with exports.client(connection, grant) as client:
        client.read(0, 4096)


def test_discarded_blocks_are_given_back_where_the_volume_is_thin(exports: IscsiExports) -> None:
    thin, thick = exports.export(), exports.export()
    grant, connection = exports.grant(thin)
    with exports.client(connection, grant) as client:
        assert isinstance(client, Initiator)
        client.write(0, b"u" * MIB)
        client.flush()
        assert exports.path(thin).stat().st_blocks * 512 >= MIB
        assert client.offers_unmap
        client.unmap(0, MIB)
        assert client.read(0, MIB) == bytes(MIB)
    assert exports.path(thin).stat().st_blocks * 512 < MIB
    grant = exports.hosts.host_grant()
    exports.granted_to.append((thick, grant.attachment))
    connection = exports.target.grant(thick, replace(exports.bench.device(thick.placement), thin=False), grant)
    with exports.client(connection, grant) as client:
        assert isinstance(client, Initiator)
        assert not client.offers_unmap
        with pytest.raises(OSError):
            client.unmap(0, MIB)


def test_a_changed_secret_ends_the_old_session_and_lets_the_new_one_in(exports: IscsiExports) -> None:
    export = exports.export()
    grant, connection = exports.grant(export)
    changed = replace(grant, secret="another-secret-1")
    with exports.client(connection, grant) as client:
        client.read(0, 4096)
        renewed = exports.publisher.grant(export, changed)
        with pytest.raises(OSError):
            client.read(0, 4096)
    assert renewed.public == connection.public
    assert exports.refuses(connection, grant)
    assert not exports.refuses(renewed, changed)


def test_a_user_name_belongs_to_one_attachment(exports: IscsiExports) -> None:
    first, second = exports.export(), exports.export()
    grant, connection = exports.grant(first)
    with pytest.raises(Refused, match="CHAP user name"):
        exports.grant(second, replace(exports.hosts.host_grant(), user=grant.user))
    assert not exports.refuses(connection, grant)
    assert exports.publisher.granted(second) == frozenset()


def test_what_a_host_says_of_itself_is_not_taken_for_what_tgtd_says(exports: IscsiExports) -> None:
    """A session shows the alias that the host chose; here it looks like another target's description."""
    export, other = exports.export(), exports.export()
    grant, connection = exports.grant(export)
    stranger = exports.hosts.host_grant()
    forged = "x\nTarget 7: iqn.2026-01.dev.isthmus:node1:0b9c8a52-0000-4000-8000-000000000000.shared\n"
    client = Initiator(connection, grant.initiators[0], alias=forged)
    client.read(0, 4096)
    assert exports.publisher.granted(other) == frozenset()
    exports.publisher.withdraw(export, stranger.attachment)
    exports.publisher.withdraw(export, grant.attachment)
    with pytest.raises(OSError):
        client.read(0, 4096)
    assert list(exports.target.inventory()) == []


def test_a_folder_that_bars_the_daemons_account_is_named(exports: IscsiExports) -> None:
    if USER is None:
        pytest.skip("the daemon runs as this process's own account")
    export = exports.export()
    exports.path(export).parent.chmod(0o700)
    with pytest.raises(Refused, match=r"may not pass through .*pool"):
        exports.grant(export)
    exports.path(export).parent.chmod(0o711)
    assert exports.publisher.granted(export) == frozenset()


def test_tgtd_runs_without_rights_and_its_device_is_nobody_elses(exports: IscsiExports) -> None:
    if USER is None:
        pytest.skip("only root can start a daemon as another user")
    export = exports.export()
    exports.grant(export)
    info = exports.path(export).stat()
    assert (info.st_uid, info.st_mode & 0o777) == (65534, 0o600)
    status = Path(f"/proc/{exports.bench.tgtd()[0]}/status").read_text()
    assert "\nUid:\t65534\t65534\t65534\t65534\n" in status and "\nCapEff:\t0000000000000000\n" in status


def test_no_secret_stands_in_arguments_log_or_state(exports: IscsiExports) -> None:
    grant, _ = exports.grant(exports.export())
    places = [path for path in (exports.bench.folder / "state").rglob("*") if path.is_file() and not path.is_symlink()]
    seen = [path.read_bytes() for path in (*places, Path(f"/proc/{exports.bench.tgtd()[0]}/cmdline"))]
    assert len(seen) > 3 and not any(grant.secret.encode() in text for text in seen)


def test_qemu_reads_what_a_host_wrote(exports: IscsiExports, tmp_path: Path) -> None:
    if shutil.which("qemu-img") is None or not list(Path("/usr/lib").glob("*/qemu/block-iscsi.so")):
        pytest.skip("qemu-img with iSCSI is not installed (packages qemu-utils, qemu-block-extra)")
    export = exports.export()
    exports.write(export, MIB, b"q" * 65536)
    grant, connection = exports.grant(export)
    secret = tmp_path / "secret"
    secret.write_text(connection.secrets["chap_secret"])
    options = {
        "driver": "iscsi",
        "transport": "tcp",
        "portal": connection.public["portals"][0],
        "target": connection.public["iqn"],
        "lun": connection.public["lun"],
        "user": connection.public["chap_user"],
        "password-secret": "chap",
        "initiator-name": grant.initiators[0],
    }
    source = ",".join(f"{key}={value}" for key, value in options.items())
    copy = tmp_path / "copy.raw"
    subprocess.run(
        ["qemu-img", "convert", "--object", f"secret,id=chap,file={secret}", "--image-opts", source, "-O", "raw", copy],
        check=True,
        timeout=60,
    )
    assert copy.read_bytes() == exports.path(export).read_bytes()


def test_a_vanished_host_does_not_keep_the_volume_from_being_withdrawn(exports: IscsiExports) -> None:
    export = exports.export()
    grant, connection = exports.grant(export)
    client = Initiator(connection, grant.initiators[0])
    client.write(0, bytes(4096))
    client.drop()
    exports.publisher.withdraw(export, grant.attachment)
    assert exports.publisher.granted(export) == frozenset()


def test_the_end_ends_tgtd_even_under_load(exports: IscsiExports) -> None:
    export = exports.export()
    grant, connection = exports.grant(export)
    pid = exports.bench.tgtd()[0]
    with exports.client(connection, grant) as client, BusyHost(client) as host:
        eventually(lambda: host.rounds > 3, "the host works")
        exports.target.end()
        eventually(lambda: host.failure is not None, "the host is cut off")
    assert process.started_at(pid) is None
    exports.target.end()
    exports.target.start()
    assert list(exports.target.inventory()) == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"secret": "too-short"}, "12 to 255"),
        ({"secret": "with a blank in it"}, "12 to 255"),
        ({"secret": "comma,comma,comma"}, "12 to 255"),
        ({"user": ""}, "user name"),
        ({"user": "isthmus.filler"}, "user name"),
        ({"user": "a,b"}, "user name"),
        ({"initiators": ("no-iqn",)}, "no iSCSI initiator name"),
        ({"attachment": "../../x"}, "iSCSI name"),
    ],
)
def test_what_tgtd_or_a_host_could_not_take_is_refused_before_anything_is_done(
    exports: IscsiExports, change: dict[str, object], words: str
) -> None:
    export = exports.export()
    grant = replace(exports.hosts.host_grant(), **change)  # type: ignore[arg-type]
    with pytest.raises(Refused, match=words) as caught:
        exports.publisher.grant(export, grant)
    assert str(change.get("secret", grant.secret)) not in json.dumps(caught.value.to_json())
    assert list(exports.target.inventory()) == []


@pytest.mark.slow
def test_a_leave_of_a_shared_volume_killed_anywhere_is_finished_and_the_other_host_works_on(
    exports: IscsiExports,
) -> None:
    export = exports.export()
    stayer, to_stayer = exports.grant(export, exports.hosts.host_grant(shared=True))
    life = exports.life
    connections: dict[str, tuple[Connection, Grant]] = {}

    def fresh() -> tuple[Export, str]:
        grant, connection = exports.grant(export, exports.hosts.host_grant(shared=True))
        connections[grant.attachment] = connection, grant
        return export, grant.attachment

    with exports.client(to_stayer, stayer) as client, BusyHost(client) as host:
        for _, attachment in exports.killed("withdraw", fresh):
            assert exports.another().granted(export) >= {stayer.attachment}
            exports.another().withdraw(export, attachment)
            assert exports.publisher.granted(export) == {stayer.attachment}
            assert exports.refuses(*connections[attachment])
            assert not exports.refuses(to_stayer, stayer)
    assert host.failure is None
    assert exports.life == life


@pytest.mark.slow
def test_a_join_of_a_shared_volume_killed_anywhere_is_finished_or_undone(exports: IscsiExports) -> None:
    export = exports.export()
    stayer, to_stayer = exports.grant(export, exports.hosts.host_grant(shared=True))
    life = exports.life

    def fresh() -> tuple[Export, Grant]:
        grant = exports.hosts.host_grant(shared=True)
        exports.granted_to.append((export, grant.attachment))
        return export, grant

    with exports.client(to_stayer, stayer) as client, BusyHost(client) as host:
        for number, (_, grant) in enumerate(exports.killed("grant", fresh)):
            publisher = exports.another()
            if number % 2:
                connection = publisher.grant(export, grant)
                assert publisher.granted(export) >= {stayer.attachment, grant.attachment}
                assert not exports.refuses(connection, grant)
            publisher.withdraw(export, grant.attachment)
            assert grant.attachment not in publisher.granted(export)
            assert not exports.refuses(to_stayer, stayer)
    assert host.failure is None
    assert exports.life == life
    exports.withdraw_all()
    assert exports.tgt.accounts() == frozenset()


def test_a_full_file_system_fails_the_write_and_nothing_else(exports: IscsiExports) -> None:
    small = exports.bench.folder / "pool"
    if (
        os.geteuid() != 0
        or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m,mode=711", "small", small]).returncode
    ):
        pytest.skip("no file system of 2 MiB can be mounted here")
    try:
        export = exports.export()
        grant, connection = exports.grant(export)
        with exports.client(connection, grant) as client:
            client.write(0, b"f" * MIB)
            with pytest.raises(OSError, match=r"\(3\)"):
                for step in range(1, 8):
                    client.write(step * MIB, b"f" * MIB)
            assert client.read(0, MIB) == b"f" * MIB
            exports.target.check()
        exports.publisher.withdraw(export, grant.attachment)
    finally:
        subprocess.run(["umount", "-l", small], check=True)
