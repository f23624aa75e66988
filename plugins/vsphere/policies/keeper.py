"""Keeps tags and storage policies of vCenters in step with the profiles, as the service account.

Each part looks first and mends what it finds, so any of them may be repeated, and after a crash the next look mends the
rest. Only what is marked as ours is ever changed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from ....adapters.contract import Adapter
from ....core.context import Context
from ....core.errors import Conflict, Unavailable
from ..connection.errors import Unreachable
from ..connection.soap import Connection, Who
from ..reasons import because
from ..vcenters.reach import Reach, Reaches
from .census import Census, Deviation, Marked
from .labels import LONGEST, labels
from .mark import CATEGORY, CATEGORY_MARK, CATEGORY_TEXT, Key
from .policy_service import Policy, PolicyService
from .stores import all_below, stores
from .tag_service import Category, Tag, TagService

SECONDS = 120.0
"""How long one part may take with a vCenter of many datastores."""
Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Desk:
    """Both services of one vCenter, open."""

    connection: Connection
    tags: TagService
    policies: PolicyService


class Keeper:
    """One vCenter. `below` gives the references of the datastores that are looked at; all of them by default. With
    `alone` only the tags and policies of their own profiles are looked after, and what is another profile's stays as it
    is, though it be wrong."""

    def __init__(
        self,
        reaches: Reaches,
        systems: Mapping[str, Adapter],
        guid: str,
        below: Callable[[Connection], Sequence[Any]] | None = None,
        *,
        alone: bool = False,
    ) -> None:
        self._reach: Reach = reaches.get(guid)
        self._systems, self._alone = systems, alone
        self._context = Context(self._reach.vcenter.tenant, "vsphere", frozenset({"reader"}))
        self._below = below or (lambda connection: all_below(connection, connection.content.rootFolder))

    def census(self) -> Census:
        """How everything is now."""
        return self._at(self._census)

    def make_tags(self) -> None:
        """The category and a tag for each profile, under its name."""

        def work(desk: Desk) -> None:
            category = self._category(desk)
            census = self._census(desk)
            owned, possible = census.owned(census.tags), census.possible(census.tags)
            for other in self._in_the_way(census, census.tags, owned):
                desk.tags.change_tag(other.id, _aside(other), other.description)
            for key, name in possible.items():
                tag = owned.get(key)
                if tag is None:
                    desk.tags.make_tag(category.id, name, key.text)
                elif (tag.name, tag.description) != (name, key.text):
                    desk.tags.change_tag(tag.id, name, key.text)

        self._at(work)

    def make_policies(self) -> None:
        """A policy for each profile that has a tag."""

        def work(desk: Desk) -> None:
            census = self._census(desk)
            owned, possible = census.owned(census.policies), census.possible(census.policies)
            tagged = {key: tag.name for key, tag in census.owned(census.tags).items()}
            category = census.category.name if census.category is not None else CATEGORY
            for other in self._in_the_way(census, census.policies, owned):
                desk.policies.rename(other.id, _aside(other))
            for key, name in possible.items():
                if key not in tagged:
                    continue
                policy = owned.get(key)
                if policy is None:
                    desk.policies.make(name, key.text, category, tagged[key])
                elif (policy.name, policy.description, policy.wants) != (name, key.text, (tagged[key],)):
                    desk.policies.change(policy.id, name, key.text, category, tagged[key])

        self._at(work)

    def tag_stores(self) -> None:
        """Each datastore has the tag of its volume's profile, and no other of ours."""

        def work(desk: Desk) -> None:
            census = self._census(desk)
            for store in census.stores:
                if not store.sure:
                    continue
                wanted, has = census.wanted_tag(store), census.our_tags(store)
                for tag in has - {wanted}:
                    desk.tags.detach(tag, store.moid)
                if wanted is not None and wanted not in has:
                    desk.tags.attach(wanted, store.moid)

        self._at(work)

    def prune(self) -> None:
        """Policies and tags whose profiles are gone go, but for those that machines have."""

        def work(desk: Desk) -> None:
            census = self._census(desk)
            kept = set(census.kept())
            for policy in census.stale(census.policies):
                key = Key.of(policy.description)
                if key is not None and key not in kept and not desk.policies.delete(policy.id):
                    kept.add(key)
            for tag in census.stale(census.tags):
                if Key.of(tag.description) not in kept:
                    desk.tags.delete_tag(tag.id)

        self._at(work)

    def unmatched(self) -> list[Deviation]:
        """Datastores with a tag of ours that the vCenter itself does not find by the policy."""

        def work(desk: Desk) -> list[Deviation]:
            census = self._census(desk)
            policies = census.owned(census.policies)
            matching = {key: desk.policies.matching(policy.id) for key, policy in policies.items()}
            return [
                Deviation("store-unmatched", store.name, {"policy": policies[store.profile].name})
                for store in census.stores
                if store.profile in policies
                and census.wanted_tag(store) is not None
                and store.moid not in matching[store.profile]
            ]

        return self._at(work)

    def mend(self, go_on: Callable[[], bool] = lambda: True) -> bool:
        """All that is not as it should be, while `go_on`; whether there was anything."""
        if not any(each.mends for each in self.census().deviations()):
            return False
        parts = [self.make_tags, self.make_policies, self.tag_stores]
        for part in parts if self._alone else [*parts, self.prune]:
            if go_on():
                part()
        return True

    def _at(self, work: Callable[[Desk], Answer]) -> Answer:
        def ask(connection: Connection, who: Who) -> Answer:
            connection.who()  # one that has ended shows it here, and is replaced
            try:
                with self._open(connection) as desk:
                    return work(desk)
            except Unreachable as error:
                # The vCenter answered just now. That a part of it does not is no reason to take it all for dead.
                raise Unavailable(error.message, next_step=error.next_step, vcenter=self._reach.vcenter.name) from None

        return self._reach.as_service(ask, seconds=SECONDS)

    @contextmanager
    def _open(self, connection: Connection) -> Iterator[Desk]:
        endpoint = self._reach.vcenter.endpoint
        with ExitStack() as stack:
            tags = self._reach.account.login.attempt(
                lambda user, password: stack.enter_context(TagService(endpoint, user, password))
            )
            policies = stack.enter_context(PolicyService(connection))
            yield Desk(connection, tags, policies)

    def _census(self, desk: Desk) -> Census:
        category = desk.tags.category(CATEGORY_MARK)
        names = labels(self._systems, self._context)
        found = stores(desk.connection, self._below(desk.connection), self._systems, self._context)
        if self._alone:
            names = names.only({each.profile for each in found if each.profile is not None})
        tags = desk.tags.tags(category.id) if category is not None else []
        policies = desk.policies.policies(category.name if category is not None else CATEGORY)
        attached = desk.tags.attached([each.moid for each in found])
        census = Census(names, category, tags, policies, found, attached, {})
        users = {each.id: desk.policies.users(each.id) for each in census.stale(policies)}
        return Census(names, category, tags, policies, found, attached, users)

    def _category(self, desk: Desk) -> Category:
        found = desk.tags.category(CATEGORY_MARK)
        if found is not None:
            return found
        try:
            return desk.tags.make_category(CATEGORY, CATEGORY_TEXT)
        except Conflict:
            raise because(Conflict, "category-taken", name=CATEGORY) from None

    def _in_the_way(self, census: Census, things: Sequence[Marked], owned: Mapping[Key, Marked]) -> Iterator[Marked]:
        """Those of ours with a name that another of ours is to get."""
        return iter(()) if self._alone else _in_the_way(census, things, owned)


def _in_the_way(census: Census, things: Sequence[Marked], owned: Mapping[Key, Marked]) -> Iterator[Marked]:
    wanted = {name.lower(): key for key, name in census.labels.names.items()}
    keys = {each.id: key for key, each in owned.items()}
    for each in things:
        heir = wanted.get(each.name.lower())
        if Key.of(each.description) is not None and heir is not None and keys.get(each.id) != heir:
            yield each


def _aside(thing: Tag | Policy) -> str:
    """A name that nobody else has, until it gets its own."""
    return f"{thing.name[: LONGEST - 15]} ({thing.id.removesuffix(':GLOBAL')[-12:]})"
