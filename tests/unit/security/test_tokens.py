import re

from isthmus.core.security.redaction import redact
from isthmus.core.security.tokens import is_token, new_token, token_hash


def test_a_token_carries_256_bits_behind_its_prefix_and_never_repeats() -> None:
    tokens = {new_token() for _ in range(1000)}
    assert len(tokens) == 1000
    assert all(re.fullmatch(r"ist_[A-Za-z0-9_-]{43}", token) for token in tokens)
    assert all(is_token(token) for token in tokens)


def test_what_is_no_token_is_seen_without_a_look_up() -> None:
    token = new_token()
    for text in ("", "ist_", token[:-1], token + "a", token.upper(), " " + token, token + "\n", "ghp_" + token[4:]):
        assert not is_token(text), text


def test_the_hash_is_sha256_of_the_whole_text() -> None:
    assert token_hash("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert token_hash(new_token()) != token_hash(new_token())


def test_any_text_a_client_sends_can_be_hashed() -> None:
    assert len(token_hash("\ud800 not text")) == 64


def test_a_token_in_a_log_line_is_hidden() -> None:
    token = new_token()
    assert token[8:] not in redact(f"looked up {token} for you")
