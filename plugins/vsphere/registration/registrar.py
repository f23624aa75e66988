"""Registers the plug-in with vCenters, brings registrations up to date, and takes them away."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from ....core.context import Context
from ....core.errors import Conflict, Invalid, IsthmusError, NotFound, Overloaded
from ....core.model.description import Finding
from ..connection.certificate import Certificate, certificates, served
from ..connection.endpoint import Endpoint, address, split
from ..connection.soap import About, Connection, Who, connect
from ..connection.trust import Trust, pinned, signed_by
from ..events.alarms import CHECK, Alarms
from ..vcenters.reach import Reaches
from ..vcenters.store import VCenters
from ..vcenters.vcenter import Registration, VCenter
from . import extension
from .identity import manifest_url, version_of
from .offer import Offer
from .our_server import OurServer, errors
from .request import Login
from .service_rights import service_findings

_ATTEMPTS = 50

FindTenant = Callable[[Context, str], str]
"""The id of the tenant of this name or id; raises `NotFound`."""
Drift = Callable[[str], Sequence[Finding]]
"""What was found of a vCenter (GUID) that is not as it was: volumes that are gone, hosts that are gone."""


class Registrar:
    """One for the process. Every call may be made again: what is as it should be is left alone. `forgotten` is told the
    GUID of a vCenter that was unregistered."""

    def __init__(
        self,
        reaches: Reaches,
        ours: OurServer,
        offer: Offer,
        release: str,
        contact: str,
        tenant: FindTenant,
        forgotten: Callable[[str], None],
        drift: Drift = lambda guid: (),
    ) -> None:
        self.reaches, self.ours, self.offer = reaches, ours, offer
        self._forgotten = forgotten
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
        endpoint = Endpoint(host, port, self._trust(host, port, given, known))
        with _logged_in(endpoint, login) as (connection, _):
            about = connection.about()
            known = self.vcenters.find(about.guid)
            vcenter = VCenter(
                guid=about.guid,
                host=host,
                port=port,
                trust=endpoint.trust,
                tenant=self._chosen_tenant(context, given, known),
                release=about.version,
                api=about.api,
                registration=None if known is None else known.registration,
                aliases=() if known is None else known.aliases,
                service_user="" if known is None else known.service_user,
                administrators=known is not None and known.administrators,
                version=0 if known is None else known.version,
            )
            return self._registered(connection, vcenter, given)

    def upgrade(self, given: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Bring the registrations of one vCenter or of all up to date. One that fails does not keep the others."""
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
                answers.append(self._upgraded(vcenter, given))
            except IsthmusError as error:
                if given.get("vcenter"):
                    raise
                answers.append({"vcenter": vcenter.name, "guid": vcenter.guid, "error": error.to_json()})
        return answers

    def unregister(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Take the plug-in out of a vCenter and forget the vCenter here. Works with what is left: with our record and
        without the password of our account, or with a password and a pin and without any record."""
        name = str(given["vcenter"]).strip()
        known = self.find(name)
        if known is None and "-" in name and "." not in name:
            raise NotFound(f"No vCenter {name} is known.", next_step="Give its address instead of its GUID.")
        removed, trouble = False, ""
        try:
            removed = self._removed(name, known, given)
        except IsthmusError as error:
            if not given.get("forget"):
                raise
            trouble = error.message
        if known is not None:
            self.vcenters.forget(known.guid)
            self._forgotten(known.guid)
        answer = {"vcenter": name, "unregistered": removed, "forgotten": known is not None}
        return {**answer, "left_behind": trouble} if trouble else answer

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

    def wanted(self, vcenter: VCenter, *, announced: Certificate | None = None) -> extension.Wanted:
        """What is to be registered there now. A certificate that was announced stays so until it is served."""
        current = self.ours.certificate()
        if announced is None and vcenter.registration is not None and vcenter.registration.next_certificate:
            announced = Certificate(vcenter.registration.next_certificate)
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
        if not login.user:
            login = Login(vcenter.service_user, self.vcenters.password(vcenter.guid))
        if not login.user:
            raise Invalid(
                f"There is no service account for {vcenter.name}.",
                next_step="Give --user, or a --service-user to keep.",
                field="user",
            )
        with _logged_in(vcenter.endpoint, login) as found:
            yield found

    def put(
        self, connection: Connection, vcenter: VCenter, announced: Certificate | None = None
    ) -> tuple[str, list[str], VCenter]:
        """Register there what is wanted; the vCenter comes back with what was registered, and is yet to be stored."""
        wanted = self.wanted(vcenter, announced=announced)
        outcome, changed = extension.put(connection, wanted)
        registration = Registration(
            version=wanted.version,
            url=wanted.url,
            pin=wanted.certificate.fingerprint,
            next_certificate=wanted.next.pem if wanted.next is not None else "",
        )
        return outcome, changed, replace(vcenter, registration=registration)

    def _registered(self, connection: Connection, vcenter: VCenter, given: Mapping[str, Any]) -> dict[str, Any]:
        self.vcenters.demand_free(vcenter)
        vcenter, password = _changed(vcenter, given)
        url = self.url(vcenter)
        findings = list(self.ours.judge(url, self.version, from_host=vcenter.host))
        wrong = errors(findings)
        if wrong:
            raise Conflict(
                f"The plug-in would not load in {vcenter.name}, so it is not registered: {wrong[0].text}",
                next_step=wrong[0].cure or None,
                findings=[shown(each) for each in findings],
            )
        outcome, changed, vcenter = self.put(connection, vcenter, _announced(given))
        findings += self._alarmed(connection, changed)
        stored = self.store(vcenter, password)
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
        if given.get("pin") or given.get("ca"):
            vcenter = replace(vcenter, trust=self._trust(vcenter.host, vcenter.port, given, vcenter))
        login = Login.of(given)
        if not login.user and given.get("service_user"):
            login = Login.of(given, "service_")
        with self.session(vcenter, login) as (connection, _):
            about = _demand_same(connection, vcenter)
            return self._registered(connection, replace(vcenter, release=about.version, api=about.api), given)

    def _removed(self, name: str, known: VCenter | None, given: Mapping[str, Any]) -> bool:
        if known is not None:
            trust = known.trust
            if given.get("pin") or given.get("ca"):
                trust = self._trust(known.host, known.port, given, known)
            with self.session(replace(known, trust=trust), Login.of(given)) as (connection, _):
                _demand_same(connection, known)
                return self._taken_away(connection)
        host, port = split(name)
        login = Login.of(given)
        if not login.user:
            raise NotFound(
                f"No vCenter {name} is known, so there is no account to use.",
                next_step="Give --user, and --pin or --ca.",
            )
        with _logged_in(Endpoint(host, port, self._trust(host, port, given, None)), login) as (connection, _):
            return self._taken_away(connection)

    def _taken_away(self, connection: Connection) -> bool:
        # Alarms first: what the extension's types of events mean is known as long as it is there.
        Alarms(connection, self.offer.texts).remove()
        return extension.remove(connection)

    def store(self, vcenter: VCenter, password: str | None = None) -> VCenter:
        """Write down here what was registered there."""
        for _ in range(_ATTEMPTS):
            try:
                return self.vcenters.put(vcenter, password=password)
            except (Conflict, NotFound):
                # Somebody wrote at the same moment, of the same vCenter: the last word counts.
                current = self.vcenters.find(vcenter.guid)
                version = 0 if current is None else current.version
                if version == vcenter.version:
                    raise
                vcenter = replace(vcenter, version=version)
        raise Overloaded(f"Too many change what is known of {vcenter.name}.", next_step="Try again.", retry_after=1)

    def _trust(self, host: str, port: int, given: Mapping[str, Any], known: VCenter | None) -> Trust:
        pin, authority = str(given.get("pin", "")), str(given.get("ca", ""))
        if pin and authority:
            raise Invalid("Give a pin or a CA, not both.", field="pin")
        if pin:
            return pinned(host, port, pin)
        if authority:
            return signed_by(authority)
        if known is not None:
            return known.trust
        raise Invalid(
            f"Nothing says by what {host} is known to be the right vCenter. "
            f"It serves a certificate with the fingerprint {served(host, port).fingerprint}.",
            next_step="Compare it with what the vCenter itself shows, and give it as --pin; or give its CA as --ca.",
            field="pin",
        )

    def _chosen_tenant(self, context: Context, given: Mapping[str, Any], known: VCenter | None) -> str:
        wanted = given.get("tenant") or context.tenant
        if known is not None and not given.get("tenant"):
            return known.tenant
        if not wanted:
            raise Invalid(
                "Say which tenant the users of this vCenter act in.", next_step="Give --tenant.", field="tenant"
            )
        tenant = self._tenant(context, str(wanted))
        if known is not None and known.tenant != tenant:
            raise Conflict(
                f"vCenter {known.name} belongs to another tenant already.",
                next_step="Unregister it first: what its users made stays with the tenant it was made in.",
            )
        return tenant


@contextmanager
def _logged_in(endpoint: Endpoint, login: Login) -> Iterator[tuple[Connection, Who]]:
    connection = connect(endpoint)
    try:
        who = connection.login(login.user, login.password)
        try:
            yield connection, who
        finally:
            connection.logout()
    finally:
        connection.close()


def _demand_same(connection: Connection, vcenter: VCenter) -> About:
    """What the vCenter says of itself; raises `Conflict` when it is another one than the one that is known."""
    about = connection.about()
    if about.guid != vcenter.guid:
        raise Conflict(
            f"Another vCenter answers at {vcenter.name} ({about.guid} instead of {vcenter.guid}).",
            next_step="Unregister the former one with --forget and register the new one.",
        )
    return about


def _changed(vcenter: VCenter, given: Mapping[str, Any]) -> tuple[VCenter, str | None]:
    """What was given besides, and the service account's new password if there is one."""
    password: str | None = None
    if given.get("service_user"):
        if not given.get("service_password"):
            raise Invalid("The service account has no password.", field="service_password")
        password = str(given["service_password"])
        vcenter = replace(vcenter, service_user=str(given["service_user"]))
    if "alias" in given:
        vcenter = replace(vcenter, aliases=tuple(split(str(name))[0] for name in given["alias"]))
    if "administrators" in given:
        vcenter = replace(vcenter, administrators=bool(given["administrators"]))
    return vcenter, password


def _announced(given: Mapping[str, Any]) -> Certificate | None:
    text = given.get("next_certificate")
    return certificates(str(text))[0] if text else None


def shown(finding: Finding) -> dict[str, str]:
    """A finding as an action answers it."""
    found = {"check": finding.check, "level": finding.level, "text": finding.text}
    return {**found, "cure": finding.cure} if finding.cure else found
