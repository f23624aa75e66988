import base64
import os
import threading
from pathlib import Path

import pytest

from isthmus.core.errors import Misconfigured
from isthmus.core.security.keys import EnvironmentKeys, FileKeys, LocalKey, RootKey, key_source


def ids(keys: tuple[RootKey, ...]) -> list[str]:
    return [key.id for key in keys]


def test_the_first_start_makes_a_key_only_its_owner_can_read(tmp_path: Path) -> None:
    path = tmp_path / "root.key"
    before = os.umask(0)
    try:
        first = FileKeys(path).load()
    finally:
        os.umask(before)
    assert path.stat().st_mode & 0o777 == 0o600
    assert ids(FileKeys(path).load()) == ids(first)
    assert [entry.name for entry in tmp_path.iterdir()] == ["root.key"]


def test_processes_that_start_at_once_agree_on_one_key(tmp_path: Path) -> None:
    found: list[list[str]] = []
    barrier = threading.Barrier(8)

    def start() -> None:
        barrier.wait()
        found.append(ids(FileKeys(tmp_path / "root.key").load()))

    threads = [threading.Thread(target=start) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert all(keys == found[0] for keys in found)
    assert [entry.name for entry in tmp_path.iterdir()] == ["root.key"]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o610, 0o644, 0o666])
def test_a_key_file_open_to_others_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "root.key"
    FileKeys(path).load()
    path.chmod(mode)
    with pytest.raises(Misconfigured) as refused:
        FileKeys(path).load()
    assert "chmod 600" in str(refused.value.next_step)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_key_file_of_another_user_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "root.key"
    FileKeys(path).load()
    os.chown(path, 65534, 65534)
    with pytest.raises(Misconfigured):
        FileKeys(path).load()


def test_a_lost_key_is_not_replaced_where_secrets_exist(tmp_path: Path) -> None:
    path = tmp_path / "root.key"
    with pytest.raises(Misconfigured) as refused:
        FileKeys(path, create=False).load()
    assert "backup" in str(refused.value.next_step)
    assert not path.exists()


@pytest.mark.parametrize(
    "content", [b"", b"# nothing\n", b"short\n", b"\xff\xfe\n", base64.b64encode(b"x" * 31) + b"\n"]
)
def test_a_damaged_key_file_is_refused_without_quoting_it(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "root.key"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(Misconfigured) as refused:
        FileKeys(path).load()
    assert "short" not in str(refused.value)


def test_a_folder_that_is_missing_and_a_file_that_is_none_are_told(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="cannot be written"):
        FileKeys(tmp_path / "none" / "root.key").load()
    with pytest.raises(Misconfigured, match="cannot be read"):
        FileKeys(tmp_path).load()


def test_rotation_puts_the_new_key_first_and_keeps_the_old(tmp_path: Path) -> None:
    source = FileKeys(tmp_path / "root.key")
    old = ids(source.load())
    new = source.rotate()
    assert ids(source.load()) == [new.id, *old]
    assert source.path.stat().st_mode & 0o777 == 0o600


def test_rotations_at_once_lose_no_key(tmp_path: Path) -> None:
    source = FileKeys(tmp_path / "root.key")
    source.load()
    made: list[str] = []
    threads = [threading.Thread(target=lambda: made.append(source.rotate().id)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(made) < set(ids(source.load()))
    assert len(source.load()) == 7


def test_keys_come_from_the_environment_newest_first(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = [os.urandom(32), os.urandom(32)]
    monkeypatch.setenv("ISTHMUS_ROOT_KEY", ", ".join(base64.b64encode(key).decode() for key in raw))
    assert ids(EnvironmentKeys().load()) == [LocalKey(key).id for key in raw]


def test_an_empty_variable_and_a_key_given_twice_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ISTHMUS_ROOT_KEY", raising=False)
    with pytest.raises(Misconfigured, match="no root key"):
        EnvironmentKeys().load()
    key = base64.b64encode(os.urandom(32)).decode()
    monkeypatch.setenv("ISTHMUS_ROOT_KEY", f"{key} {key}")
    with pytest.raises(Misconfigured, match="twice"):
        EnvironmentKeys().load()


def test_a_reference_names_its_source_and_others_can_be_added(tmp_path: Path) -> None:
    class Vault:
        def load(self) -> tuple[RootKey, ...]:
            return (LocalKey(bytes(32)),)

    assert key_source(f"file:{tmp_path}/root.key") == FileKeys(tmp_path / "root.key")
    assert key_source("env:") == EnvironmentKeys("ISTHMUS_ROOT_KEY")
    assert isinstance(key_source("vault:transit/isthmus", {"vault": lambda _: Vault()}), Vault)
    with pytest.raises(Misconfigured, match="no key source 'vault'"):
        key_source("vault:transit/isthmus")


def test_a_key_shows_its_id_and_never_itself() -> None:
    key = LocalKey(b"K" * 32)
    assert key.id in repr(key)
    assert "KKKK" not in repr(key)


def test_a_wrapped_key_opens_only_for_its_owner() -> None:
    key = LocalKey(os.urandom(32))
    wrapped = key.wrap(b"d" * 32, b"anna")
    assert key.unwrap(wrapped, b"anna") == b"d" * 32
    for other, owner in ((wrapped, b"bert"), (wrapped[:-1], b"anna"), (b"", b"anna")):
        with pytest.raises(ValueError, match="altered"):
            key.unwrap(other, owner)
