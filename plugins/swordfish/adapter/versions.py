"""Entity tags as versions of nouns and back.

A version is a number drawn from the tag in the body, so it is the same in a list and alone, on every server and after
every restart, and two versions of one thing differ. It does not count.
"""

from __future__ import annotations

import json
from hashlib import blake2b

from ....core.errors import NotOffered, Stale
from .bodies import Body, text
from .client import Answer


def tag_of(answer: Answer) -> str | None:
    """The entity tag of a resource; None where the service gives none."""
    return answer.headers.get("ETag") or text(answer.body, "@odata.etag") or None


def version_of(body: Body) -> int:
    """The version of a resource: 1 to 2^52. Where its body has no tag it is drawn from the content."""
    said = text(body, "@odata.etag") or json.dumps(body, sort_keys=True)
    return 1 + int.from_bytes(blake2b(said.encode("utf-8", "surrogatepass"), digest_size=8).digest()) % (1 << 52)


def condition(answer: Answer, if_version: int | None) -> str | None:
    """The tag that a change must name so that it is made to that version only; None for any.

    Raises `Stale` where it is another version already, `NotOffered` where the service gives no tags.
    """
    if if_version is None:
        return None
    tag = tag_of(answer)
    if tag is None:
        raise NotOffered("This system does not say which version a thing has.", next_step="Ask without a version.")
    if version_of(answer.body) != if_version:
        raise Stale("It was changed meanwhile.", next_step="Read it again, then decide.")
    return tag
