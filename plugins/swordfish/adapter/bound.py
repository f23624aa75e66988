"""What the parts of the contract share: one context's way into the service."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ....core.context import Context
from ....core.errors import NotFound, NotOffered, Stale
from ....core.model.operation import Operation
from .accepted import Change
from .bodies import Body, kind, text
from .client import Answer, Client
from .errors import Names, complaint
from .operations import SwordfishOperations, made_by
from .paths import last, parent, uri_of
from .site import Share, Site
from .versions import condition, tag_of

_RETRIES = 3


class Bound:
    """Asks and changes on behalf of a context."""

    def __init__(self, context: Context, site: Site, operations: SwordfishOperations) -> None:
        self.context = context
        self.site = site
        self.operations = operations

    @property
    def client(self) -> Client:
        return self.site.client

    @property
    def share(self) -> Share:
        """What the context's tenant has there."""
        return self.site.share(self.context)

    def ask(self, path: str) -> Answer:
        return self.client.get(path, request_id=self.context.request_id)

    def found(self, identifier: str, schema: str, collections: tuple[str, ...]) -> tuple[str, Answer]:
        """The resource of this schema with this id that is a member of one of these collections; raises `NotFound`."""
        path = uri_of(identifier)
        if parent(path) not in collections and not any(path in self.client.uris(one) for one in collections):
            raise absent(schema, identifier)
        try:
            answer = self.ask(path)
        except NotFound:
            raise absent(schema, identifier) from None
        if kind(answer.body) not in (schema, ""):
            raise absent(schema, identifier)
        return path, answer

    def every(self, collections: tuple[str, ...]) -> Iterator[tuple[str, Body]]:
        """The members of these collections, each once."""
        seen: set[str] = set()
        for collection in collections:
            for path, body in self.client.members(collection):
                if path not in seen:
                    seen.add(path)
                    yield path, body

    def patch(
        self, path: str, answer: Answer, body: Body, if_version: int | None, names: Names, key: str | None = None
    ) -> Answer:
        """Change a resource; raises what was wrong with any part of it."""
        done = self.conditional("PATCH", path, answer, body, if_version, names, key)
        wrong = complaint(self.client.system, done.body, names) if done.status != 202 else None
        if wrong is not None:
            raise wrong
        return done

    def conditional(
        self,
        method: str,
        path: str,
        answer: Answer,
        body: Body | None,
        if_version: int | None,
        names: Names | None = None,
        key: str | None = None,
    ) -> Answer:
        """Change what `answer` shows, in that version where one is named, else in whichever.

        A service may ask for an entity tag from everybody; then the change goes to whatever version there is now.
        """
        tag = condition(answer, if_version)
        for attempt in range(_RETRIES):
            try:
                return self.client.change(
                    method, path, body, key=key, tag=tag, names=names, request_id=self.context.request_id
                )
            except Stale:
                if if_version is not None or attempt == _RETRIES - 1:
                    raise
                tag = tag_of(self.ask(path))
                if tag is None:
                    raise
        raise AssertionError("the loop ends by itself")

    def located(self, answer: Answer, collection: str, name: str) -> Answer:
        """The answer to the making of a volume, with where the volume is.

        Some services do not say; then it is the only one with its name. Others say it by name, and list it by `Id`.
        """
        path, identifier = made_by(answer), text(answer.body, "Id")
        if answer.status == 202 or (path is not None and identifier in ("", last(path))):
            return answer
        if path is not None:
            listed = f"{parent(path)}/{identifier}"
            found = [listed] if listed in self.client.uris(collection) else [path]
        else:
            found = [
                one
                for one, body in self.client.members(collection)
                if name in (body.get("Name"), body.get("DisplayName"))
            ]
        return Answer(answer.status, {}, {"Location": found[0]}) if len(found) == 1 else answer

    def change(self, kind: str, resource: str | None, key: str | None, *said: Any) -> Change:
        """A change that may become an operation; `said` is all that was asked for."""
        return Change(kind, resource, self.context, key, repr(said))

    def begun(self, change: Change, ask: Any) -> Operation:
        return self.operations.begun(change, ask)


def absent(schema: str, identifier: str) -> NotFound:
    return NotFound(f"There is no {schema} {str(identifier)[:200]} in this system.")


def no_plan(dry_run: bool) -> None:
    """Raises `NotOffered` for a dry run: a service tells no plans."""
    if dry_run:
        raise NotOffered("This system does not tell beforehand what it would do.", next_step="Ask without dry_run.")
