"""The parameters handed to qemu are those of RFC 7919."""

from __future__ import annotations

import base64

from isthmus.core.targets.nbd.certificates import DH_PARAMETERS


def test_the_prime_is_that_of_ffdhe2048() -> None:
    # RFC 7919, A.1: p = 2^2048 - 2^1984 + {[2^1918 * e] + 560316} * 2^64 - 1, and the generator is 2.
    spare = 200
    term, e, count = 1 << (1918 + spare), 0, 0
    while term:
        e, count = e + term, count + 1
        term //= count
    prime = 2**2048 - 2**1984 + (((e >> spare) + 560316) << 64) - 1
    lines = DH_PARAMETERS.decode().strip().splitlines()
    assert lines[0] == "-----BEGIN DH PARAMETERS-----" and lines[-1] == "-----END DH PARAMETERS-----"
    document = base64.b64decode("".join(lines[1:-1]))
    assert document.endswith(b"\x02\x82\x01\x01\x00" + prime.to_bytes(256, "big") + b"\x02\x01\x02")
