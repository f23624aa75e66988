import threading
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isthmus.core.security import passwords
from isthmus.core.security.credentials import VerifiedCredentials
from isthmus.core.security.passwords import Cost, hash_password, needs_rehash, verify_password

CHEAP = Cost(ln=4, r=8, p=1)


# HMAC pads a key with zero bytes, so a password and the same with NULs behind it are one to scrypt.
TYPED = st.text(st.characters(exclude_characters="\0"))


@settings(deadline=None, max_examples=50)
@given(TYPED, TYPED)
def test_only_the_password_itself_is_accepted(password: str, other: str) -> None:
    stored = hash_password(password, CHEAP)
    assert verify_password(password, stored)
    same = unicodedata.normalize("NFC", password) == unicodedata.normalize("NFC", other)
    assert verify_password(other, stored) == same


def test_composed_and_decomposed_letters_are_one_password() -> None:
    assert verify_password("Zu\u0308rich", hash_password("Z\u00fcrich", CHEAP))


def test_the_same_password_is_stored_differently_each_time() -> None:
    assert hash_password("one", CHEAP) != hash_password("one", CHEAP)


def test_the_stored_string_names_its_parameters_and_default_cost_is_32_mib() -> None:
    stored = hash_password("correct horse")
    assert stored.startswith("$scrypt$ln=15,r=8,p=3$")
    assert Cost().memory == 32 * 1024 * 1024
    assert verify_password("correct horse", stored)
    assert not needs_rehash(stored)


def test_other_parameters_still_verify_and_ask_for_a_new_hash() -> None:
    stored = hash_password("old", CHEAP)
    assert verify_password("old", stored)
    assert needs_rehash(stored)
    assert not needs_rehash(stored, CHEAP)


@pytest.mark.parametrize(
    "damaged",
    [
        "",
        "plain",
        "$scrypt$ln=15,r=8,p=3$$",
        "$scrypt$ln=99,r=8,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA",
        "$scrypt$ln=20,r=32,p=16$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA",
        "$scrypt$ln=4,r=8,p=1$A$AAAAAAAAAAAAAAAAAAAAAA",
        "$scrypt$ln=4,r=8,p=1$AAAAAAAAAAAAAAAAAAAAAA$AA",
    ],
)
def test_a_damaged_string_matches_nothing_and_asks_for_a_new_hash(damaged: str) -> None:
    assert not verify_password("", damaged)
    assert needs_rehash(damaged)


def test_an_unknown_user_costs_the_same_work(monkeypatch: pytest.MonkeyPatch) -> None:
    costs: list[Cost] = []
    real = passwords._scrypt

    def counting(password: str, salt: bytes, cost: Cost, length: int) -> bytes:
        costs.append(cost)
        return real(password, salt, CHEAP, length)

    monkeypatch.setattr(passwords, "_scrypt", counting)
    assert not verify_password("guess", None)
    assert costs == [Cost()]


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_verified_password_is_known_for_a_minute_and_no_longer() -> None:
    clock = Clock()
    memory = VerifiedCredentials(clock=clock)
    stored = hash_password("right", CHEAP)
    assert not memory.known("anna", "right", stored)
    assert memory.verify("anna", "right", stored)
    clock.now = 59.9
    assert memory.known("anna", "right", stored)
    clock.now = 60.0
    assert not memory.known("anna", "right", stored)
    assert len(memory) == 0


def test_a_known_password_needs_no_scrypt(monkeypatch: pytest.MonkeyPatch) -> None:
    memory = VerifiedCredentials()
    stored = hash_password("right", CHEAP)
    assert memory.verify("anna", "right", stored)

    def never(*_: object) -> bytes:
        raise AssertionError("scrypt ran")

    monkeypatch.setattr(passwords, "_scrypt", never)
    assert memory.verify("anna", "right", stored)
    with pytest.raises(AssertionError):
        memory.verify("anna", "wrong", stored)


def test_a_wrong_password_is_not_remembered() -> None:
    memory = VerifiedCredentials()
    assert not memory.verify("anna", "wrong", hash_password("right", CHEAP))
    assert not memory.verify("anna", "", None)
    assert len(memory) == 0


def test_forgetting_a_user_leaves_the_others() -> None:
    memory = VerifiedCredentials()
    stored = hash_password("right", CHEAP)
    for user in ("anna", "bert"):
        memory.remember(user, "right", stored)
    memory.forget("anna")
    assert not memory.known("anna", "right", stored)
    assert memory.known("bert", "right", stored)


def test_a_password_changed_elsewhere_is_not_known_any_more() -> None:
    memory = VerifiedCredentials()
    memory.remember("anna", "right", hash_password("right", CHEAP))
    assert not memory.known("anna", "right", hash_password("right", CHEAP))


def test_parts_of_a_credential_do_not_run_together() -> None:
    memory = VerifiedCredentials()
    memory.remember("ab", "c", "stored")
    assert not memory.known("a", "bc", "stored")


def test_the_memory_is_bounded_and_drops_the_oldest() -> None:
    memory = VerifiedCredentials(limit=3)
    for user in ("a", "b", "c", "a", "d"):
        memory.remember(user, "p", "s")
    assert len(memory) == 3
    assert not memory.known("b", "p", "s")
    assert memory.known("a", "p", "s")


def test_neither_name_nor_password_is_kept() -> None:
    memory = VerifiedCredentials()
    memory.remember("anna", "right", "stored")
    assert "right" not in repr(vars(memory))


def test_threads_share_one_memory() -> None:
    memory = VerifiedCredentials(limit=50)
    failed: list[BaseException] = []

    def work(number: int) -> None:
        try:
            for turn in range(300):
                memory.remember(f"user{(number + turn) % 70}", "p", "s")
                memory.known(f"user{turn % 70}", "p", "s")
                memory.forget(f"user{(number * turn) % 70}")
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
    assert len(memory) <= 50
