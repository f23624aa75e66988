import os
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isthmus.core.errors import IsthmusError
from isthmus.core.security import sealing
from isthmus.core.security.keys import LocalKey
from isthmus.core.security.sealing import SealBroken, Sealer, SealKeyMissing, sealing_key

ROOT = LocalKey(bytes(range(32)))
OTHER = LocalKey(bytes(range(1, 33)))


class CountingKey:
    """A key service that hands out no key and counts what it is asked."""

    id = "arn:aws:kms:eu-central-1:1:key/2"

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.owners: set[bytes] = set()

    def wrap(self, data_key: bytes, owner: bytes) -> bytes:
        self.asked.append("wrap")
        self.owners.add(owner)
        return ROOT.wrap(data_key, owner)

    def unwrap(self, wrapped: bytes, owner: bytes) -> bytes:
        self.asked.append("unwrap")
        return ROOT.unwrap(wrapped, owner)


@given(st.text(max_size=80), st.binary(max_size=4096))
def test_what_was_sealed_comes_back_for_its_owner_in_any_process(owner: str, secret: bytes) -> None:
    sealed = Sealer([ROOT]).seal(owner, secret)
    assert Sealer([ROOT]).open(owner, sealed) == secret
    assert len(secret) < 8 or secret not in sealed


@given(st.data())
def test_no_byte_can_be_altered(data: st.DataObject) -> None:
    sealer = Sealer([ROOT])
    sealed = bytearray(sealer.seal("backend-1", b"the array's password"))
    position = data.draw(st.integers(0, len(sealed) - 1))
    sealed[position] ^= data.draw(st.integers(1, 255))
    with pytest.raises(SealBroken):
        sealer.open("backend-1", bytes(sealed))


def test_every_single_bit_counts() -> None:
    sealer = Sealer([ROOT])
    sealed = sealer.seal("a", b"secret")
    for position in range(len(sealed)):
        for bit in range(8):
            altered = bytearray(sealed)
            altered[position] ^= 1 << bit
            with pytest.raises(SealBroken):
                sealer.open("a", bytes(altered))


def test_nothing_can_be_cut_off_or_added() -> None:
    sealer = Sealer([ROOT])
    sealed = sealer.seal("a", b"secret")
    for length in range(len(sealed)):
        with pytest.raises(SealBroken):
            sealer.open("a", sealed[:length])
    with pytest.raises(SealBroken):
        sealer.open("a", sealed + b"\0")


@given(st.binary(max_size=300))
def test_bytes_that_were_never_sealed_are_refused(noise: bytes) -> None:
    with pytest.raises(SealBroken):
        Sealer([ROOT]).open("a", noise)


@given(st.text(max_size=20), st.text(max_size=20))
def test_another_owner_cannot_open_it(owner: str, other: str) -> None:
    sealer = Sealer([ROOT])
    sealed = sealer.seal(owner, b"secret")
    assert sealer.open(owner, sealed) == b"secret"
    if owner != other:
        with pytest.raises(SealBroken):
            sealer.open(other, sealed)


def test_the_wrapped_key_of_one_blob_does_not_fit_another() -> None:
    one, two = Sealer([ROOT]).seal("a", b"one"), Sealer([ROOT]).seal("a", b"two")
    body = len(one) - 12 - 16 - 3
    with pytest.raises(SealBroken):
        Sealer([ROOT]).open("a", one[:body] + two[body:])


def test_a_missing_root_key_is_named_with_what_to_do() -> None:
    sealed = Sealer([OTHER]).seal("a", b"secret")
    with pytest.raises(SealKeyMissing) as missing:
        Sealer([ROOT]).open("a", sealed)
    assert missing.value.details == {"key": OTHER.id}
    assert OTHER.id in str(missing.value)
    assert missing.value.next_step
    again = IsthmusError.from_json(missing.value.to_json())
    assert isinstance(again, SealKeyMissing)


def test_no_error_carries_the_secret() -> None:
    sealer = Sealer([ROOT])
    with pytest.raises(SealBroken) as broken:
        sealer.open("b", sealer.seal("a", b"the secret"))
    assert "the secret" not in repr(broken.value)
    assert broken.value.__suppress_context__


def test_the_newest_root_key_seals_and_all_open() -> None:
    old = Sealer([ROOT]).seal("a", b"secret")
    rotated = Sealer([OTHER, ROOT])
    assert rotated.open("a", old) == b"secret"
    assert sealing_key(rotated.seal("a", b"x")) == OTHER.id
    assert not rotated.is_current(old)


def test_resealing_moves_a_secret_to_the_newest_key_so_that_the_old_may_go() -> None:
    rotated = Sealer([OTHER, ROOT])
    moved = rotated.reseal("a", Sealer([ROOT]).seal("a", b"secret"))
    assert rotated.is_current(moved)
    assert Sealer([OTHER]).open("a", moved) == b"secret"
    assert rotated.reseal("a", moved) is moved


def test_resealing_for_another_owner_is_refused() -> None:
    with pytest.raises(SealBroken):
        Sealer([OTHER, ROOT]).reseal("b", Sealer([ROOT]).seal("a", b"secret"))


def test_a_key_service_is_asked_once_for_an_owner_and_never_gives_its_key() -> None:
    service = CountingKey()
    sealer = Sealer([service])
    sealed = [sealer.seal("a", b"1"), sealer.seal("a", b"2")]
    assert [sealer.open("a", blob) for blob in sealed for _ in range(3)] == [b"1"] * 3 + [b"2"] * 3
    assert service.asked.count("wrap") == 1
    assert service.asked.count("unwrap") <= 1


def test_owners_never_share_a_data_key() -> None:
    service = CountingKey()
    sealer = Sealer([service])
    sealer.seal("a", b"1")
    sealer.seal("b", b"1")
    assert service.asked == ["wrap", "wrap"]
    assert len(service.owners) == 2


def test_what_is_kept_in_memory_is_bounded() -> None:
    sealer = Sealer([ROOT], cached=5)
    blobs = {str(number): sealer.seal(str(number), b"x") for number in range(20)}
    assert all(sealer.open(owner, blob) == b"x" for owner, blob in blobs.items())
    assert len(sealer._sealing) == len(sealer._opening) == 5


def test_a_data_key_is_replaced_long_before_its_nonces_could_repeat(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealing, "_SEALS_PER_DATA_KEY", 3)
    service = CountingKey()
    sealer = Sealer([service])
    for _ in range(7):
        sealer.seal("a", b"x")
    assert service.asked.count("wrap") == 3


def test_a_sealer_without_a_key_is_refused() -> None:
    with pytest.raises(ValueError, match="needs a root key"):
        Sealer([])


@settings(max_examples=5)
@given(st.integers(2, 6))
def test_threads_may_share_a_sealer(count: int) -> None:
    sealer = Sealer([ROOT], cached=3)
    wrong: list[object] = []

    def work(number: int) -> None:
        try:
            for turn in range(50):
                owner, secret = str((number + turn) % 7), os.urandom(8)
                if sealer.open(owner, sealer.seal(owner, secret)) != secret:
                    wrong.append(owner)
        except BaseException as error:
            wrong.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
