"""Registers the plug-in with vCenters, and brings registrations up to date."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from ....core.context import Context
from ....core.errors import Conflict, Invalid, IsthmusError, NotFound, Overloaded
from ....core.model.description import Finding
from ..connection.certificate import Certificate, certificates
from ..connection.endpoint import Endpoint, address, split
from ..connection.soap import Connection, Who
from ..events.alarms import CHECK, Alarms
from ..vcenters.reach import Reaches
from ..vcenters.store import VCenters
from ..vcenters.vcenter import Registration, VCenter
from . import extension
from .identity import manifest_url, version_of
from .offer import Offer
from .our_server import COMPARE, OurServer, errors
from .request import Login
from .service_rights import service_findings
from .under_way import UnderWay
from .visit import demand_same, logged_in, trust_in

ATTEMPTS = 50
"""How often is begun anew because others wrote of the same vCenter."""

Change = Callable[[VCenter], VCenter]
"""Makes of what is known of a vCenter what is to be known of it; made again of what others wrote meanwhile."""
FindTenant = Callable[[Context, str], str]
"""The id of the tenant of this name or id; raises `NotFound`."""
Drift = Callable[[str], Sequence[Finding]]
"""What was found of a vCenter (GUID) that is not as it was: volumes that are gone, hosts that are gone."""


class Registrar:
    """One for the process. Every call may be made again: what is as it should be is left alone. `forgotten` is told the
    GUID of a vCenter that was unregistered, `under_way` knows what was begun there."""

    def __init__(
        self,
        reaches: Reaches,
        ours: OurServer,
        offer: Offer,
        release: str,
        contact: str,
        tenant: FindTenant,
        forgotten: Callable[[str], None],
        under_way: UnderWay,
        drift: Drift = lambda guid: (),
    ) -> None:
        self.reaches, self.ours, self.offer = reaches, ours, offer
        self.forgotten, self.under_way = forgotten, under_way
        self.drift = drift
        self.version = version_of(release)
        self._contact = contact
        self._tenant = tenant

    @property
    def vcenters(self) -> VCenters:
        return self.reaches.vcenters

    def register(self, context: Context, given: Mapping[str, Any]) -> dict[str, Any]:
        """Make the vCenter known here and the plug-in known there; returns what was done and what was found.

        Raises `Conflict` when the plug-in would not load, before anything is changed; `Invalid` without a pin or CA,
        naming what is served; and what the vCenter refuses.
        """
        login = Login.of(given)
        host, port = split(str(given["vcenter"]))
        known = self.vcenters.find(address(host, port))
        endpoint = Endpoint(host, port, trust_in(host, port, given, known))
        with logged_in(endpoint, login.enter) as (connection, _):
            about = connection.about()
            known = self.vcenters.find(about.guid)
            tenant = self._chosen_tenant(context, given, known)

            def change(now: VCenter) -> VCenter:
                _demand_tenant(now, tenant)
                now = replace(now, host=host, port=port, trust=endpoint.trust)
                return replace(now, release=about.version, api=about.api)

            new = VCenter(about.guid, host, port, endpoint.trust, tenant, version=0)
            return self._registered(connection, known or new, change, given)

    def upgrade(self, given: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Bring the registrations of one vCenter or of all up to date. One that fails does not keep the others."""
        return self.each(given, lambda vcenter: self._upgraded(vcenter, given))

    def each(self, given: Mapping[str, Any], work: Callable[[VCenter], dict[str, Any]]) -> list[dict[str, Any]]:
        """What `work` answers of the vCenters that an upgrade is for; raises `NotFound`, `Invalid`, and what it raises
        of one that is named."""
        if given.get("administrators") and not given.get("vcenter"):
            raise Invalid(
                "Which vCenter may make administrators of this installation is said one by one.",
                next_step="Give --vcenter.",
                field="vcenter",
            )
        chosen = self.chosen(given)
        answers = []
        for vcenter in chosen:
            try:
                answers.append(work(vcenter))
            except IsthmusError as error:
                if given.get("vcenter"):
                    raise
                answers.append({"vcenter": vcenter.name, "guid": vcenter.guid, "error": error.to_json()})
        return answers

    def find(self, name: str) -> VCenter | None:
        """By GUID, or by address in any of its forms."""
        found = self.vcenters.find(name.strip())
        if found is None:
            host, port = split(name)
            found = self.vcenters.find(address(host, port))
        return found

    def chosen(self, given: Mapping[str, Any]) -> list[VCenter]:
        """The vCenter that is named, or all; raises `NotFound`."""
        name = given.get("vcenter")
        if not name:
            return list(self.vcenters.all())
        found = self.find(str(name))
        if found is None:
            raise NotFound(
                f"Isthmus is not registered with {name}.",
                next_step="Register it: isthmus vsphere register --vcenter ADDRESS",
            )
        return [found]

    def url(self, vcenter: VCenter) -> str:
        """The manifest's address for a vCenter of its release."""
        return manifest_url(self.ours.address, vcenter.release)

    def familiar(self, vcenter: VCenter) -> Certificate:
        """What is served now, which the vCenter may be told without a person's word; else raises `Conflict`."""
        found = self.ours.certificate()
        if not self.ours.familiar(found, pins(vcenter)):
            raise Conflict(
                f"At {self.ours.address} another certificate is served than {vcenter.name} was told: "
                f"{found.fingerprint}.",
                next_step=COMPARE,
            )
        return found

    def wanted(
        self, vcenter: VCenter, *, served: Certificate | None = None, announced: Certificate | None = None
    ) -> extension.Wanted:
        """What is to be registered there, for what is served now. A certificate that was announced stays so until it is
        served."""
        current = served or self.ours.certificate()
        announced = announced or _following(vcenter)
        if announced is not None and announced.fingerprint == current.fingerprint:
            announced = None
        return extension.Wanted(
            version=self.version,
            address=self.ours.address,
            url=self.url(vcenter),
            certificate=current,
            next=announced,
            contact=self._contact,
            offer=self.offer,
        )

    @contextmanager
    def session(self, vcenter: VCenter, login: Login) -> Iterator[tuple[Connection, Who]]:
        """A session as `login`, or where nobody is named as the service account. It ends with the block."""
        with logged_in(vcenter.endpoint, login.enter if login.user else self._service(vcenter)) as found:
            yield found

    def _service(self, vcenter: VCenter) -> Callable[[Connection], Who]:
        service = self.reaches.get(vcenter.guid).account.login
        if not service.user:
            raise Invalid(
                f"There is no service account for {vcenter.name}.",
                next_step="Give --user, or a --service-user to keep.",
                field="user",
            )
        return lambda connection: service.attempt(connection.login)

    def put(
        self,
        connection: Connection,
        vcenter: VCenter,
        change: Change = lambda now: now,
        *,
        served: Certificate | None = None,
        announced: Certificate | None = None,
        password: str | None = None,
    ) -> tuple[str, list[str], VCenter]:
        """Register there what is wanted, and write it down here with what `change` makes of the rest: what was done
        (as `extension.put` says it), what was different, and the vCenter as it is known now. When others wrote at the
        same moment, it is done once more with what they wrote, so that nothing of theirs is taken back.

        Raises `Conflict` when the vCenter was unregistered meanwhile; then it stays so.
        """
        outcome, differed = "unchanged", list[str]()
        for _ in range(ATTEMPTS):
            wished = change(vcenter)
            wanted = self.wanted(wished, served=served, announced=announced)
            done, changed = extension.put(connection, wanted)
            outcome, differed = done if outcome == "unchanged" else outcome, differed + changed
            try:
                stored = self.vcenters.put(replace(wished, registration=_made(wanted)), password=password)
            except (Conflict, NotFound):
                now = self.vcenters.find(vcenter.guid)
                if now is None and vcenter.version:
                    raise _unregistered(connection, vcenter, ours=outcome == "registered") from None
                if now is None or now.version == vcenter.version:
                    raise
                vcenter = now
            else:
                return outcome, differed, stored
        raise busy(vcenter.name)

    def _registered(
        self, connection: Connection, vcenter: VCenter, change: Change, given: Mapping[str, Any]
    ) -> dict[str, Any]:
        def whole(now: VCenter) -> VCenter:
            return _changed(change(now), given)

        password = _password(given)
        vcenter = whole(vcenter)
        self.vcenters.demand_free(vcenter)
        url = self.url(vcenter)
        findings = list(self.ours.judge(url, self.version, from_host=vcenter.host))
        wrong = errors(findings)
        if wrong:
            raise Conflict(
                f"The plug-in would not load in {vcenter.name}, so it is not registered: {wrong[0].text}",
                next_step=wrong[0].cure or None,
                findings=[shown(each) for each in findings],
            )
        announced = announced_in(given)
        outcome, changed, stored = self.put(connection, vcenter, whole, announced=announced, password=password)
        findings += self._alarmed(connection, changed)
        self.reaches.refresh(stored.guid)
        findings += service_findings(self.reaches, stored)
        return {
            "vcenter": stored.name,
            "guid": stored.guid,
            "outcome": outcome,
            "changed": changed,
            "version": self.version,
            "url": url,
            "pin": stored.registration.pin if stored.registration else "",
            "findings": [shown(each) for each in findings],
        }

    def _alarmed(self, connection: Connection, changed: list[str]) -> list[Finding]:
        """The plug-in is registered all the same where its alarms are not let in."""
        alarms = Alarms(connection, self.offer.texts)
        try:
            changed += alarms.put()
        except IsthmusError as error:
            return [Finding(CHECK, "warning", f"Alarms are not defined: {error.message}", error.next_step or "")]
        return list(alarms.findings())

    def _upgraded(self, vcenter: VCenter, given: Mapping[str, Any]) -> dict[str, Any]:
        with self.upgrading(vcenter, given) as (connection, found):
            return self._registered(connection, vcenter, lambda now: replace(now, **found), given)

    @contextmanager
    def upgrading(self, vcenter: VCenter, given: Mapping[str, Any]) -> Iterator[tuple[Connection, Mapping[str, Any]]]:
        """A session for an upgrade, and what the vCenter is known by from then on: its release, another trust."""
        self.reaches.refresh(vcenter.guid)
        found: dict[str, Any] = {}
        if given.get("pin") or given.get("ca"):
            found["trust"] = trust_in(vcenter.host, vcenter.port, given, vcenter)
        login = Login.of(given)
        if not login.user and given.get("service_user"):
            login = Login.of(given, "service_")
        with self.session(replace(vcenter, **found), login) as (connection, _):
            about = demand_same(connection, vcenter)
            yield connection, {**found, "release": about.version, "api": about.api}

    def _chosen_tenant(self, context: Context, given: Mapping[str, Any], known: VCenter | None) -> str:
        wanted = given.get("tenant") or context.tenant
        if known is not None and not given.get("tenant"):
            return known.tenant
        if not wanted:
            raise Invalid(
                "Say which tenant the users of this vCenter act in.", next_step="Give --tenant.", field="tenant"
            )
        tenant = self._tenant(context, str(wanted))
        if known is not None:
            _demand_tenant(known, tenant)
        return tenant


def _changed(vcenter: VCenter, given: Mapping[str, Any]) -> VCenter:
    """With what was given besides."""
    if given.get("service_user"):
        vcenter = replace(vcenter, service_user=str(given["service_user"]))
    if "alias" in given:
        vcenter = replace(vcenter, aliases=tuple(split(str(name))[0] for name in given["alias"]))
    if "administrators" in given:
        vcenter = replace(vcenter, administrators=bool(given["administrators"]))
    return vcenter


def _password(given: Mapping[str, Any]) -> str | None:
    """The service account's new one, if there is one."""
    if not given.get("service_user"):
        return None
    if not given.get("service_password"):
        raise Invalid("The service account has no password.", field="service_password")
    return str(given["service_password"])


def pins(vcenter: VCenter) -> tuple[str, ...]:
    """The fingerprints of our certificates that a person registered or announced there."""
    if vcenter.registration is None:
        return ()
    following = _following(vcenter)
    return (vcenter.registration.pin, *([following.fingerprint] if following is not None else []))


def _following(vcenter: VCenter) -> Certificate | None:
    text = vcenter.registration.next_certificate if vcenter.registration is not None else ""
    return Certificate(text) if text else None


def _made(wanted: extension.Wanted) -> Registration:
    following = wanted.next.pem if wanted.next is not None else ""
    return Registration(wanted.version, wanted.url, wanted.certificate.fingerprint, following)


def _demand_tenant(vcenter: VCenter, tenant: str) -> None:
    if vcenter.tenant != tenant:
        raise Conflict(
            f"vCenter {vcenter.name} belongs to another tenant already.",
            next_step="Unregister it first: what its users made stays with the tenant it was made in.",
        )


def _unregistered(connection: Connection, vcenter: VCenter, *, ours: bool) -> Conflict:
    """It was unregistered meanwhile. `ours`: what is registered there was registered after that, by us."""
    if ours:
        extension.remove(connection)
    return Conflict(
        f"vCenter {vcenter.name} was unregistered at the same moment.",
        next_step="Register it again: isthmus vsphere register --vcenter ADDRESS",
    )


def busy(vcenter: str) -> Overloaded:
    """Others wrote of it again and again."""
    return Overloaded(f"Too many change what is known of {vcenter}.", next_step="Try again.", retry_after=1)


def announced_in(given: Mapping[str, Any]) -> Certificate | None:
    """The certificate that our server will serve next, if one is given."""
    text = given.get("next_certificate")
    return certificates(str(text))[0] if text else None


def shown(finding: Finding) -> dict[str, str]:
    """A finding as an action answers it."""
    found = {"check": finding.check, "level": finding.level, "text": finding.text}
    return {**found, "cure": finding.cure} if finding.cure else found
