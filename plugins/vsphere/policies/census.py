"""How the tags, policies and datastores of a vCenter are, and what of it is not as the profiles want it.

A tag or policy belongs to the profile that its description names. One whose profile is gone is taken over by a new
profile of the same name, so that machines with the policy keep it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from ..reasons import texts
from .labels import Labels
from .mark import Key
from .policy_service import Policy
from .stores import Store
from .tag_service import Category, Tag

Marked = TypeVar("Marked", Tag, Policy)


@dataclass(frozen=True, slots=True)
class Deviation:
    """Something that is not as it should be. `mends`: whether keeping it in step mends it, or a person has to."""

    kind: str
    name: str
    values: Mapping[str, Any]
    mends: bool = True

    def text(self, locale: str = "en") -> str:
        """In a sentence."""
        return texts().get(f"deviation.{self.kind}", locale, name=self.name, **self.values)

    def to_json(self) -> dict[str, Any]:
        return {"name": self.name, "kind": self.kind, **self.values, "mends": self.mends, "text": self.text()}


@dataclass(frozen=True, slots=True)
class Census:
    """What there is. `attached`: the ids of the tags that each datastore (id) has; `users`: how many machines and disks
    have a policy (id), of those that are to go."""

    labels: Labels
    category: Category | None
    tags: Sequence[Tag]
    policies: Sequence[Policy]
    stores: Sequence[Store]
    attached: Mapping[str, set[str]]
    users: Mapping[str, int]

    def owned(self, things: Sequence[Marked]) -> dict[Key, Marked]:
        """Tags or policies by the profiles whose they are now; taken over ones by their new profiles."""
        found: dict[Key, Marked] = {}
        spare: dict[str, Marked] = {}
        for each in things:
            key = Key.of(each.description)
            if key is None:
                continue
            if key in self.labels.names:
                found.setdefault(key, each)
            elif self.labels.gone(key):
                spare[each.name] = each
        for key, name in self.labels.names.items():
            if key not in found and name in spare:
                found[key] = spare.pop(name)
        return found

    def stale(self, things: Sequence[Marked]) -> list[Marked]:
        """Ours that belong to no profile any more; of systems that do not answer none."""
        kept = {each.id for each in self.owned(things).values()}
        return [
            each
            for each in things
            if each.id not in kept and (key := Key.of(each.description)) is not None and self.labels.gone(key)
        ]

    def foreign(self, things: Sequence[Marked]) -> frozenset[str]:
        """The names, in small letters, that others' tags or policies have."""
        return frozenset(each.name.lower() for each in things if Key.of(each.description) is None)

    def possible(self, things: Sequence[Marked]) -> dict[Key, str]:
        """The names of profiles for which others leave room."""
        taken = self.foreign(things)
        return {key: name for key, name in self.labels.names.items() if name.lower() not in taken}

    def kept(self) -> frozenset[Key]:
        """Profiles that are gone, whose policy machines still have: tag and policy stay."""
        stale = (each for each in self.stale(self.policies) if self.users.get(each.id))
        return frozenset(key for each in stale if (key := Key.of(each.description)) is not None)

    def wanted_tag(self, store: Store) -> str | None:
        """The id of the tag that a datastore should have; None for none, or while there is no such tag."""
        if store.profile is None:
            return None
        tag = self.owned(self.tags).get(store.profile)
        return None if tag is None else tag.id

    def our_tags(self, store: Store) -> set[str]:
        """The ids of the tags of our category that a datastore has."""
        return self.attached.get(store.moid, set()) & {each.id for each in self.tags}

    def deviations(self) -> list[Deviation]:
        """In the order in which they are mended."""
        found = [Deviation("system-silent", each, {}, mends=False) for each in sorted(self.labels.silent)]
        if self.category is None:
            found.append(Deviation("category-missing", "", {}))
        found += self._of("tag", self.tags)
        found += self._of("policy", self.policies)
        found += self._wanting()
        found += self._mistagged()
        return found + list(self._leftover())

    def _of(self, what: str, things: Sequence[Marked]) -> Iterator[Deviation]:
        owned, possible = self.owned(things), self.possible(things)
        for key, name in self.labels.names.items():
            thing = owned.get(key)
            if thing is not None and thing.name == name and thing.description == key.text:
                continue
            if key not in possible:
                yield Deviation(f"{what}-name-taken", name, {}, mends=False)
            elif thing is None:
                yield Deviation(f"{what}-missing", name, {})
            else:
                yield Deviation(f"{what}-differs", name, {"found": thing.name})

    def _wanting(self) -> Iterator[Deviation]:
        """Policies of the right name that want another tag."""
        for key, policy in self.owned(self.policies).items():
            name = self.labels.names[key]
            if policy.name == name and policy.wants != (name,):
                yield Deviation("policy-wants-other", name, {"found": ", ".join(policy.wants) or "-"})

    def _mistagged(self) -> Iterator[Deviation]:
        names = {each.id: each.name for each in self.tags}
        taken = self.labels.names.keys() - self.possible(self.tags).keys()
        for store in self.stores:
            if not store.sure or store.profile in taken:
                continue
            has = self.our_tags(store)
            wanted = self.wanted_tag(store)
            if has == ({wanted} if wanted is not None else set()) and (wanted is not None or store.profile is None):
                continue
            label = self.labels.names.get(store.profile, "-") if store.profile is not None else "-"
            if store.profile is not None and label == "-" and not has:
                continue
            found = ", ".join(sorted(names[each] for each in has)) or "-"
            yield Deviation("store-mistagged", store.name, {"found": found, "wanted": label})

    def _leftover(self) -> Iterator[Deviation]:
        kept = self.kept()
        for policy in self.stale(self.policies):
            users = self.users.get(policy.id, 0)
            if users:
                yield Deviation("policy-kept", policy.name, {"count": users}, mends=False)
            else:
                yield Deviation("policy-stale", policy.name, {})
        for tag in self.stale(self.tags):
            if Key.of(tag.description) not in kept:
                yield Deviation("tag-stale", tag.name, {})
