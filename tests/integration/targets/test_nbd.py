"""What the nbd target promises beyond every target's promises, with real daemons and real clients."""

from __future__ import annotations

import errno
import json
import os
import shutil
import socket
import ssl
import stat
import struct
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from isthmus.core.datapath import nodelay
from isthmus.core.datapath.daemon import Daemons
from isthmus.core.drivers.contract import DriverSetup, Export, Wanted
from isthmus.core.drivers.file import FileDriver
from isthmus.core.errors import Failed, Refused, StorageError, Unavailable
from isthmus.core.model.attachment import AccessMode, Connection
from isthmus.core.targets.contract import TargetSetup
from isthmus.core.targets.nbd import NbdTarget
from tests.contract.drivers.bench import MIB, pattern
from tests.contract.hosts import BusyHost
from tests.contract.patience import eventually
from tests.contract.targets.target import TargetExports
from tests.contract.targets.test_nbd import NbdBench
from tests.environment import nbd
from tests.environment.folders import USER, file_system, short_folder
from tests.environment.nbd import Certificates, NbdClient, NbdHosts

pytestmark = [pytest.mark.server, pytest.mark.skipif(bool(nbd.missing()), reason=nbd.missing())]

PLACEMENT, SNAPSHOT = "5b0f3c1e-0000-4000-8000-000000000001", "5b0f3c1e-0000-4000-8000-000000000002"


@pytest.fixture
def folder() -> Iterator[Path]:
    with short_folder() as made:
        (made / "run").mkdir()
        (made / "run").chmod(0o711)
        yield made


@pytest.fixture
def exports(folder: Path) -> Iterator[TargetExports]:
    made = TargetExports(NbdBench(folder))
    try:
        yield made
    finally:
        made.close()


def uri(exports: TargetExports, connection: Connection, host: str) -> str:
    certificates = Certificates(exports.bench.folder / "pki").client_folder(host)
    public = connection.public
    return f"nbds://{public['address']}:{public['port']}/{public['export']}?tls-certificates={certificates}"


def run(*argv: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(argv, capture_output=True, text=True, timeout=30, check=False)


class TestRealClients:
    def test_libnbd_copies_in_and_out(self, exports: TargetExports, tmp_path: Path) -> None:
        if not shutil.which("nbdcopy"):
            pytest.skip("nbdcopy is not installed (package libnbd-bin)")
        export = exports.export()
        grant, connection = exports.grant(export)
        there, source, back = uri(exports, connection, grant.host), tmp_path / "source", tmp_path / "back"
        source.write_bytes(pattern(1, exports.size))
        done = run("nbdcopy", str(source), there)
        assert done.returncode == 0, done.stderr
        assert run("nbdcopy", there, str(back)).returncode == 0
        assert back.read_bytes() == source.read_bytes()
        info = json.loads(run("nbdinfo", "--json", there).stdout)
        assert info["TLS"] is True
        assert [one["export-size"] for one in info["exports"]] == [exports.size]
        exports.publisher.withdraw(export, grant.attachment)
        assert exports.read(export, 0, exports.size) == source.read_bytes()

    def test_qemu_writes_and_reads(self, exports: TargetExports) -> None:
        grant, connection = exports.grant(exports.export())
        certificates = Certificates(exports.bench.folder / "pki").client_folder(grant.host)
        image = (
            f"driver=nbd,host={connection.public['address']},port={connection.public['port']},"
            f"export={connection.public['export']},tls-creds=tls"
        )
        secure = f"tls-creds-x509,id=tls,dir={certificates},endpoint=client"
        done = run("qemu-io", "--object", secure, "--image-opts", image, "-c", "write -P 5 1M 64k", "-c", "flush")
        assert done.returncode == 0, done.stderr
        done = run("qemu-io", "-r", "--object", secure, "--image-opts", image, "-c", "read -P 5 1M 64k")
        assert done.returncode == 0 and "failed" not in done.stdout, done.stdout + done.stderr


class TestWhoMayConnect:
    def test_another_host_of_the_same_authority_is_kept_out(self, exports: TargetExports) -> None:
        grant, connection = exports.grant(exports.export())
        stranger = Certificates(exports.bench.folder / "pki").complete(connection, exports.hosts.host_grant())
        with pytest.raises(OSError):
            NbdClient(stranger)
        assert not exports.refuses(connection, grant)

    def test_a_host_of_another_authority_is_kept_out(self, exports: TargetExports, tmp_path: Path) -> None:
        grant, connection = exports.grant(exports.export())
        forged = Certificates(tmp_path / "forged").complete(connection, grant)
        with pytest.raises(OSError):
            NbdClient(forged)

    def test_nobody_comes_in_without_tls(self, exports: TargetExports) -> None:
        _, connection = exports.grant(exports.export())
        with pytest.raises(OSError):
            NbdClient(replace(connection, public={**connection.public, "tls": False}))

    def test_no_host_sees_the_name_of_anothers_volume(self, exports: TargetExports) -> None:
        if not shutil.which("nbdinfo"):
            pytest.skip("nbdinfo is not installed (package libnbd-bin)")
        first, second = exports.export(), exports.export()
        grant, connection = exports.grant(first)
        exports.grant(second)
        listed = run("nbdinfo", "--list", "--json", uri(exports, connection, grant.host))
        assert {one["export-name"] for one in json.loads(listed.stdout)["exports"]} == {first.placement}

    def test_a_host_that_had_come_half_in_does_not_come_in_after_its_withdrawal(self, exports: TargetExports) -> None:
        export = exports.export()
        grant, connection = exports.grant(export)
        lingering = half_in(connection)
        exports.publisher.withdraw(export, grant.attachment)
        other, to_other = exports.grant(export)
        name = export.placement.encode()
        with pytest.raises(OSError):
            lingering.sendall(
                struct.pack(">QII", 0x49484156454F5054, 7, 6 + len(name))
                + struct.pack(">I", len(name)) + name + bytes(2)
            )  # fmt: skip
            if not lingering.recv(1):
                raise OSError("hung up")
        assert not exports.refuses(to_other, other)

    def test_a_volume_of_one_host_is_not_given_to_a_second(self, exports: TargetExports) -> None:
        export = exports.export()
        grant, connection = exports.grant(export)
        with pytest.raises(Refused, match="attached to another host") as refused:
            exports.publisher.grant(export, exports.hosts.host_grant())
        assert "Detach" in str(refused.value.next_step)
        assert not exports.refuses(connection, grant)

    def test_hosts_that_share_have_each_their_own_mode(self, exports: TargetExports) -> None:
        export = exports.export()
        writer, to_writer = exports.grant(export, exports.hosts.host_grant(shared=True))
        reader, to_reader = exports.grant(export, exports.hosts.host_grant(AccessMode.READ_ONLY, shared=True))
        with exports.client(to_writer, writer) as one, exports.client(to_reader, reader) as other:
            one.write(0, pattern(1, 4096))
            assert other.read(0, 4096) == pattern(1, 4096)
            with pytest.raises(OSError):
                other.write(0, pattern(2, 4096))

    def test_no_key_is_readable_by_others_or_on_a_command_line(self, exports: TargetExports) -> None:
        exports.grant(exports.export())
        keys = list((exports.bench.folder / "run" / "tls").glob("*/server-key.pem"))
        assert keys
        for key in keys:
            assert stat.S_IMODE(key.stat().st_mode) == 0o400
            assert stat.S_IMODE(key.parent.stat().st_mode) == 0o700

    def test_a_unix_socket_has_the_owner_and_mode_of_the_settings(self, folder: Path) -> None:
        bench = NbdBench(folder, transport="unix")
        made = TargetExports(bench)
        try:
            _, connection = made.grant(made.export())
            path = Path(str(connection.public["socket"]))
            assert stat.S_IMODE(path.stat().st_mode) == 0o660
        finally:
            made.close()


class TestDaemons:
    def test_they_run_as_the_unprivileged_account(self, exports: TargetExports) -> None:
        if USER is None:
            pytest.skip("daemons run as this process's own account")
        for _ in range(2):
            exports.grant(exports.export(), exports.hosts.host_grant(shared=True))
        found = daemons_of(exports)
        assert len(found) == 4
        for pid in found:
            assert Path(f"/proc/{pid}").owner() == USER

    def test_hosts_wait_while_the_image_of_a_shared_volume_is_opened_again(self, exports: TargetExports) -> None:
        export = exports.export()
        grants = [exports.grant(export, exports.hosts.host_grant(shared=True)) for _ in range(2)]
        with exports.client(grants[0][1], grants[0][0]) as client, BusyHost(client) as host:
            eventually(lambda: host.rounds > 3 or host.failure is not None, "the host works")
            for pid in daemons_of(exports, "images"):
                os.kill(pid, 9)
            eventually(lambda: not daemons_of(exports, "images"), "the image daemon is dead")
            again = exports.another()
            for grant, connection in grants:
                assert again.grant(export, grant) == connection
            now = host.rounds
            eventually(lambda: host.rounds > now + 3 or host.failure is not None, "the host works on", 20)
        assert host.failure is None

    def test_a_port_taken_meanwhile_by_another_program_is_told(self, exports: TargetExports) -> None:
        assert isinstance(exports.bench, NbdBench)
        export = exports.export()
        grant, connection = exports.grant(export)
        exports.bench.kill_daemons()
        port = connection.public["port"]
        with socket.create_server(("127.0.0.1", port)), pytest.raises(Failed, match=f"Port {port}.*another program"):
            exports.another().grant(export, grant)
        assert exports.another().grant(export, grant) == connection

    def test_a_dead_daemon_publishes_nothing(self, exports: TargetExports) -> None:
        assert isinstance(exports.bench, NbdBench)
        export = exports.export()
        exports.grant(export)
        exports.bench.kill_daemons()
        assert exports.publisher.granted(export) == frozenset()
        assert export.placement not in exports.target.inventory()

    def test_a_missing_certificate_is_told(self, folder: Path) -> None:
        bench = NbdBench(folder)
        target = bench.target()
        key = Certificates(folder / "pki").key
        key.rename(key.with_suffix(".gone"))
        with pytest.raises(Unavailable, match="cannot be read"):
            target.start()
        with pytest.raises(StorageError, match="cannot be read"):
            target.check()
        key.with_suffix(".gone").rename(key)
        target.start()
        target.check()

    def test_a_renewed_certificate_comes_into_use_when_no_host_is_disturbed(self, exports: TargetExports) -> None:
        pki = Certificates(exports.bench.folder / "pki")
        export, shared = exports.export(), exports.export()
        grant, connection = exports.grant(export)
        other, to_other = exports.grant(shared, exports.hosts.host_grant(shared=True))
        with exports.client(connection, grant) as client, exports.client(to_other, other), BusyHost(client) as host:
            before = serial_of(connection)
            pki.renew()
            target = exports.another_target()
            assert set(target.inventory()) == {export.placement, shared.placement}
            assert exports.publisher.grant(export, grant) == connection
            now = host.rounds
            eventually(lambda: host.rounds > now + 3 or host.failure is not None, "the host works on")
            assert serial_of(connection) == before
        assert host.failure is None
        eventually(lambda: not set(target.inventory()), "the doors that nobody uses are to be opened anew")
        for one, its, way in ((export, grant, connection), (shared, other, to_other)):
            assert exports.another().grant(one, its) == way
            assert not exports.refuses(way, its)
        assert serial_of(connection) != before
        assert set(target.inventory()) == {export.placement, shared.placement}
        target.start()
        assert len(list((exports.bench.folder / "run" / "tls").iterdir())) == 1

    def test_ports_of_doors_that_never_opened_are_given_back(self, exports: TargetExports) -> None:
        ports = exports.bench.folder / "state" / "published" / "ports"
        ports.mkdir(parents=True)
        (ports / "11999").symlink_to("nobody")
        _, connection = exports.grant(exports.export())
        exports.target.start()
        assert [path.name for path in ports.iterdir()] == [str(connection.public["port"])]

    def test_a_listening_socket_of_another_process_sends_at_once(self) -> None:
        program = (
            "import socket; s = socket.create_server(('127.0.0.1', 0)); print(s.getsockname()[1], flush=True); "
            "c = s.accept()[0]; print(c.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY), flush=True)"
        )
        with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as child:
            assert child.stdout is not None
            port = int(child.stdout.readline())
            if not nodelay.send_at_once(child.pid):
                pytest.skip("the kernel does not let us touch another process's sockets")
            with socket.create_connection(("127.0.0.1", port), 5):
                assert int(child.stdout.readline()) == 1


class TestWithFiles:
    """With the file driver on a small file system."""

    def test_a_full_file_system_costs_no_data(self) -> None:
        with (
            file_system("mkfs.ext4", "-q", "-m", "0", size=48 * MIB) as point,
            short_folder() as folder,
        ):
            (folder / "run").mkdir()
            (folder / "run").chmod(0o711)
            driver: Any = FileDriver(
                DriverSetup(
                    "b", "files", "node", {"directory": str(point / "images"), "format": "qcow2"}, {},
                    folder / "state", folder / "run", user=USER,
                )
            )  # fmt: skip
            driver.start()
            pki = Certificates(folder / "pki")
            target = NbdTarget(
                TargetSetup(
                    "node", "127.0.0.1", folder / "nbd", folder / "run" / "n", {"listen": "127.0.0.1"}, USER,
                    pki.certificate, pki.key, pki.ca,
                )
            )  # fmt: skip
            target.start()
            ballast = point / "ballast"
            with ballast.open("wb") as file:
                os.posix_fallocate(file.fileno(), 0, 20 * MIB)
            wanted = Wanted(PLACEMENT, "files", 64 * MIB, True)
            driver.create(wanted)
            grant = NbdHosts().host_grant()
            export = Export(wanted.placement, "naa.6" + "0" * 31)
            try:
                device = driver.device(wanted.placement, {}, target.form)
                client = NbdClient(pki.complete(target.grant(export, device, grant), grant))
                written = 0
                with pytest.raises(OSError) as error:
                    while written < 64:
                        client.write(written * MIB, pattern(written, MIB))
                        written += 1
                assert error.value.errno == errno.ENOSPC and written > 8
                with (point / "crumbs").open("wb") as file, pytest.raises(OSError):
                    while True:
                        os.write(file.fileno(), bytes(4096))
                with pytest.raises(Refused) as refused:
                    driver.live_snapshot(wanted.placement, {}, SNAPSHOT)
                assert refused.value.details["free"] < MIB
                assert driver.inspect_snapshot(SNAPSHOT, {}) is None
                ballast.unlink()
                driver.live_snapshot(wanted.placement, {}, SNAPSHOT)
                client.write(written * MIB, pattern(written, MIB))
                for number in range(written + 1):
                    assert client.read(number * MIB, MIB) == pattern(number, MIB)
                client.close()
            finally:
                target.withdraw(export, grant.attachment)
                driver.release(wanted.placement, {})
            for image in device.path.parent.glob("*.qcow2"):
                check = run("qemu-img", "check", str(image))
                assert check.returncode == 0, check.stdout
            driver.delete_snapshot(SNAPSHOT, {})
            driver.delete(wanted.placement, {})


def half_in(connection: Connection) -> ssl.SSLSocket:
    """A connection of a host that has shown its certificate and not asked for an export yet."""
    plain = socket.create_connection((connection.public["address"], connection.public["port"]), 10)
    assert plain.recv(18, socket.MSG_WAITALL)[:8] == b"NBDMAGIC"
    plain.sendall(struct.pack(">I", 3) + struct.pack(">QII", 0x49484156454F5054, 5, 0))
    plain.recv(20, socket.MSG_WAITALL)
    return nbd.encrypted(plain, connection)


def serial_of(connection: Connection) -> str:
    """The serial number of the certificate that the door shows."""
    with half_in(connection) as secure:
        return str(secure.getpeercert()["serialNumber"])  # type: ignore[index]


def daemons_of(exports: TargetExports, *kinds: str) -> list[int]:
    """The pids of the target's live daemons."""
    found = []
    for kind, short in (("images", "i"), ("doors", "d")):
        if not kinds or kind in kinds:
            daemons = Daemons(exports.bench.folder / "state" / kind, exports.bench.folder / "run" / short)
            found += [live.pid for name in daemons.names() if (live := daemons.find(name))]
    return found
