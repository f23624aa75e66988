"""Names, notes and sizes as any caller may give them, checked in one place."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ..errors import Invalid
from ..model.request import ChapCredential

LARGEST_SIZE = 1 << 60
_NAME = re.compile(r"[^/\\]{1,255}")
_PATHS = frozenset({".", ".."})
_INITIATOR = re.compile(r"[A-Za-z0-9][A-Za-z0-9.:_@-]{0,222}")
_ISCSI = re.compile(
    r"iqn\.\d{4}-(0[1-9]|1[0-2])\.[a-z0-9].*|eui\.[0-9a-f]{16}|naa\.[0-9a-f]{16}([0-9a-f]{16})?", re.I | re.A
)
"""The forms of RFC 3720 (3.2.6.3) and RFC 3980; a target serves no other name."""
_NOTES = 64
_CHAP_USER = re.compile(r"(?!isthmus)[A-Za-z0-9][A-Za-z0-9._:@-]{0,199}")
_CHAP_SECRET = re.compile(r"[!-+\--<>-~]{12,255}")


def check_name(name: Any, what: str = "name") -> str:
    """A name: 1 to 255 printable characters, no slash, not `.` or `..`; raises `Invalid`."""
    if (
        not isinstance(name, str)
        or not _NAME.fullmatch(name)
        or not name.isprintable()
        or name in _PATHS
        or name != name.strip()
    ):
        raise Invalid(
            f"The {what} is not usable.",
            next_step="Use 1 to 255 printable characters, without slashes and without spaces at the ends.",
            field=what,
        )
    return name


def check_description(text: Any) -> str:
    """At most 1000 characters, line ends among them; raises `Invalid`."""
    if not isinstance(text, str) or len(text) > 1000 or not _plain(text):
        raise Invalid("The description is not usable.", next_step="Use at most 1000 characters.", field="description")
    return text


def check_text(text: Any, what: str) -> str:
    """Up to 255 printable characters, or none; raises `Invalid` naming the field `what`."""
    if not isinstance(text, str) or len(text) > 255 or not text.isprintable():
        raise Invalid(f"The {what} is not usable.", next_step="Use at most 255 printable characters.", field=what)
    return text


def check_metadata(metadata: Any) -> Mapping[str, str]:
    """At most 64 notes, keys up to 255 and values up to 1024 characters; raises `Invalid`."""
    usable = (
        isinstance(metadata, Mapping)
        and len(metadata) <= _NOTES
        and all(
            isinstance(key, str)
            and 0 < len(key) <= 255
            and key.isprintable()
            and isinstance(value, str)
            and len(value) <= 1024
            and _plain(value)
            for key, value in metadata.items()
        )
    )
    if not usable:
        raise Invalid(
            "The metadata is not usable.",
            next_step="Use at most 64 entries of text, keys up to 255 and values up to 1024 characters.",
            field="metadata",
        )
    return dict(metadata)


def check_size(size: Any) -> int:
    """A positive whole number of bytes up to 1 EiB; raises `Invalid`."""
    if isinstance(size, bool) or not isinstance(size, int) or not 0 < size <= LARGEST_SIZE:
        raise Invalid("The size must be a whole number of bytes, at least 1 and at most 1 EiB (2^60).", field="size")
    return size


def check_initiator(name: Any, protocol: str = "") -> str:
    """An initiator's name, for iSCSI an IQN, EUI or NAA name; raises `Invalid`."""
    if not isinstance(name, str) or not _INITIATOR.fullmatch(name):
        raise Invalid(
            "The initiator name is not usable.",
            next_step="Use up to 223 letters, digits and . : _ @ -, beginning with a letter or digit.",
            field="initiators",
        )
    if protocol == "iscsi" and not _ISCSI.fullmatch(name):
        raise Invalid(
            f"{name} is no iSCSI name.",
            next_step="Use an IQN such as iqn.2004-10.com.example:host1, or a name eui. or naa. with 16 hexadecimal"
            " digits (naa. also 32).",
            field="initiators",
        )
    return name


def check_credential(credential: ChapCredential) -> ChapCredential:
    """A user name and a secret as `ChapCredential` wants them; raises `Invalid`, which repeats neither."""
    user, secret = credential.user, credential.secret
    if not isinstance(user, str) or (user and not _CHAP_USER.fullmatch(user)):
        raise Invalid(
            "The CHAP user name is not usable.",
            next_step="Use 1 to 200 letters, digits and . _ : @ - that do not begin with isthmus, or leave it out.",
            field="credential.user",
        )
    if not isinstance(secret, str) or not _CHAP_SECRET.fullmatch(secret):
        raise Invalid(
            "The CHAP secret is not usable.",
            next_step="Use 12 to 255 printable characters without blank, comma and equals sign; 16 suit every host.",
            field="credential.secret",
        )
    return credential


def _plain(text: str) -> bool:
    """Whether the text can be kept and shown: no control characters but white space, no halves of characters."""
    return all(character.isprintable() or character in "\t\n\r" for character in text)


def rounded_up(size: int, granularity: int) -> int:
    """`size` as the next multiple of `granularity`, in bytes."""
    return -(-size // granularity) * granularity if granularity > 1 else size
