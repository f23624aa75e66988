"""The software iSCSI adapter of one host: its name, its targets, and whose secrets it shows to whom."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ..registry import invalid_argument, named_fault, vim
from . import adapter_options
from .libiscsi import Chap, Credentials

DEVICE = "vmhba64"
KEY = f"key-vim.host.InternetScsiHba-{DEVICE}"
PORT = 3260
_PROHIBITED = "chapProhibited"


@dataclass(frozen=True, slots=True)
class Authentication:
    """CHAP of the adapter or of one target. `inherited` and `target_inherited`: as what stands above says."""

    own: Chap | None = None
    target: Chap | None = None
    form: str = _PROHIBITED
    target_form: str = _PROHIBITED
    inherited: bool = True
    target_inherited: bool = True

    def described(self) -> Any:
        """As a host tells it: without secrets."""
        return vim.host.InternetScsiHba.AuthenticationProperties(
            chapAuthEnabled=self.own is not None,
            chapName=self.own.name if self.own else None,
            chapAuthenticationType=self.form,
            chapInherited=self.inherited,
            mutualChapName=self.target.name if self.target else None,
            mutualChapAuthenticationType=self.target_form,
            mutualChapInherited=self.target_inherited,
        )


@dataclass(frozen=True, slots=True)
class Portal:
    """Where a target listens."""

    address: str
    port: int = PORT

    @classmethod
    def of(cls, entry: Any) -> Portal:
        """Of a SendTarget or StaticTarget."""
        return cls(entry.address, entry.port or PORT)

    @property
    def text(self) -> str:
        """`address:port`."""
        return f"[{self.address}]:{self.port}" if ":" in self.address else f"{self.address}:{self.port}"


@dataclass(frozen=True, slots=True)
class Target:
    """A target the adapter shall log in to. `parent`: the send target that told of it, None when it was given."""

    name: str
    portal: Portal
    parent: Portal | None = None


@dataclass(slots=True)
class Adapter:
    """Not for several threads at once: the host's storage guards it."""

    name: str
    alias: str = ""
    enabled: bool = True
    bound: list[str] = field(default_factory=list)
    options: dict[str, Any] = field(default_factory=adapter_options.initial)
    authentication: Authentication = field(default_factory=lambda: Authentication(inherited=False))
    sends: dict[Portal, Authentication] = field(default_factory=dict)
    statics: dict[Target, Authentication] = field(default_factory=dict)
    found: dict[Target, Authentication] = field(default_factory=dict)

    def targets(self) -> Iterator[Target]:
        """All to log in to, each once."""
        given = {(each.name, each.portal) for each in self.statics}
        yield from self.statics
        yield from (each for each in self.found if (each.name, each.portal) not in given)

    def told(self, portal: Portal, targets: list[tuple[str, Portal]]) -> None:
        """What a send target shows now; what was set for its targets is kept."""
        fresh = [Target(name, place, portal) for name, place in targets]
        kept = {each: known for each, known in self.found.items() if each.parent != portal or each in fresh}
        self.found = {**{each: Authentication() for each in fresh}, **kept}

    def credentials(self, of: Target | Portal) -> Credentials:
        """What to show to a target or to a portal that is asked for targets."""
        chain = [self.authentication]
        if isinstance(of, Portal):
            chain.insert(0, self.sends.get(of, Authentication()))
        else:
            if of.parent is not None:
                chain.insert(0, self.sends.get(of.parent, Authentication()))
            chain.insert(0, self.statics.get(of) or self.found.get(of) or Authentication())
        own = next((each.own for each in chain if not each.inherited), None)
        target = next((each.target for each in chain if not each.target_inherited), None)
        return Credentials(own, target if own is not None else None)

    def add_sends(self, entries: list[Any]) -> None:
        """More portals to ask; those known already get what is said of them now."""
        for each in entries:
            portal = _portal(each)
            self.sends[portal] = _authentication(each.authenticationProperties, self.sends.get(portal))

    def remove_sends(self, entries: list[Any]) -> None:
        """NotFound for one that is not there."""
        for each in entries:
            portal = Portal.of(each)
            if self.sends.pop(portal, None) is None:
                raise named_fault(vim.fault.NotFound(), f"There is no send target {portal.text}")
            self.found = {target: known for target, known in self.found.items() if target.parent != portal}

    def add_statics(self, entries: list[Any]) -> None:
        """More targets to log in to."""
        for each in entries:
            if not each.iScsiName:
                raise invalid_argument("targets", "A target has a name")
            target = Target(each.iScsiName, _portal(each))
            self.statics[target] = _authentication(each.authenticationProperties, self.statics.get(target))

    def remove_statics(self, entries: list[Any]) -> None:
        """Given or discovered. NotFound for one that is not there."""
        for each in entries:
            name, portal = each.iScsiName, Portal.of(each)
            matching = [known for known in (*self.statics, *self.found) if (known.name, known.portal) == (name, portal)]
            if not matching:
                raise named_fault(vim.fault.NotFound(), f"There is no target {name} at {portal.text}")
            for known in matching:
                self.statics.pop(known, None)
                self.found.pop(known, None)

    def authenticate(self, properties: Any, targets: Any) -> None:
        """Set CHAP: of the adapter, or of the targets that are named. NotFound for one that is not there."""
        if targets is None or not (targets.staticTargets or targets.sendTargets):
            self.authentication = _authentication(properties, self.authentication, inherits=False)
            return
        for each in targets.sendTargets or []:
            portal = Portal.of(each)
            if portal not in self.sends:
                raise named_fault(vim.fault.NotFound(), f"There is no send target {portal.text}")
            self.sends[portal] = _authentication(properties, self.sends[portal])
        for each in targets.staticTargets or []:
            name, portal = each.iScsiName, Portal.of(each)
            places = [
                (table, known)
                for table in (self.statics, self.found)
                for known in table
                if (known.name, known.portal) == (name, portal)
            ]
            if not places:
                raise named_fault(vim.fault.NotFound(), f"There is no target {name} at {portal.text}")
            for table, known in places:
                table[known] = _authentication(properties, table[known])

    def described(self) -> Any:
        """As InternetScsiHba."""
        hba = vim.host.InternetScsiHba
        return hba(
            key=KEY,
            device=DEVICE,
            bus=0,
            status="online" if self.enabled else "offline",
            model="iSCSI Software Adapter",
            driver="iscsi_vmk",
            storageProtocol="scsi",
            isSoftwareBased=True,
            canBeDisabled=True,
            networkBindingSupport="optional",
            discoveryCapabilities=hba.DiscoveryCapabilities(
                iSnsDiscoverySettable=False,
                slpDiscoverySettable=False,
                staticTargetDiscoverySettable=True,
                sendTargetsDiscoverySettable=True,
            ),
            discoveryProperties=hba.DiscoveryProperties(
                iSnsDiscoveryEnabled=False,
                slpDiscoveryEnabled=False,
                staticTargetDiscoveryEnabled=True,
                sendTargetsDiscoveryEnabled=True,
            ),
            authenticationCapabilities=hba.AuthenticationCapabilities(
                chapAuthSettable=True,
                krb5AuthSettable=False,
                srpAuthSettable=False,
                spkmAuthSettable=False,
                mutualChapSettable=True,
                targetChapSettable=True,
                targetMutualChapSettable=True,
            ),
            authenticationProperties=self.authentication.described(),
            digestProperties=hba.DigestProperties(
                headerDigestType="digestProhibited", dataDigestType="digestProhibited"
            ),
            ipCapabilities=hba.IPCapabilities(
                addressSettable=False,
                ipConfigurationMethodSettable=False,
                subnetMaskSettable=False,
                defaultGatewaySettable=False,
                primaryDnsServerAddressSettable=False,
                alternateDnsServerAddressSettable=False,
            ),
            ipProperties=hba.IPProperties(dhcpConfigurationEnabled=False),
            supportedAdvancedOptions=[each.described(key) for key, each in adapter_options.PARAMETERS.items()],
            advancedOptions=[hba.ParamValue(key=key, value=value) for key, value in self.options.items()],
            iScsiName=self.name,
            iScsiAlias=self.alias,
            configuredSendTarget=[
                hba.SendTarget(address=each.address, port=each.port, authenticationProperties=known.described())
                for each, known in self.sends.items()
            ],
            configuredStaticTarget=[
                hba.StaticTarget(
                    address=each.portal.address,
                    port=each.portal.port,
                    iScsiName=each.name,
                    discoveryMethod="staticMethod" if each.parent is None else "sendTargetMethod",
                    parent=None if each.parent is None else each.parent.text,
                    authenticationProperties=known.described(),
                )
                for each, known in (*self.statics.items(), *self.found.items())
            ],
            maxSpeedMb=10_000,
            currentSpeedMb=10_000,
        )


def _portal(entry: Any) -> Portal:
    if not entry.address or any(character.isspace() for character in entry.address):
        raise invalid_argument("targets", "A portal has an address")
    return Portal.of(entry)


def _authentication(given: Any, known: Authentication | None, *, inherits: bool = True) -> Authentication:
    """What was given; a name without a secret keeps the secret that is known."""
    if given is None:
        return known or Authentication()
    own, form = _chap(
        given.chapAuthEnabled,
        given.chapName,
        given.chapSecret,
        given.chapAuthenticationType,
        known.own if known else None,
    )
    target, target_form = _chap(
        bool(given.mutualChapName),
        given.mutualChapName,
        given.mutualChapSecret,
        given.mutualChapAuthenticationType,
        known.target if known else None,
    )
    if target is not None and own is None:
        raise invalid_argument("authenticationProperties", "Mutual CHAP needs CHAP")
    if own is not None and target is not None and own.secret == target.secret:
        raise invalid_argument("authenticationProperties", "The secrets of both directions must differ")
    return Authentication(
        own,
        target,
        form,
        target_form,
        inherited=inherits and bool(given.chapInherited),
        target_inherited=inherits and given.mutualChapInherited is not False and target is None,
    )


def _chap(
    enabled: bool, name: str | None, secret: str | None, form: str | None, known: Chap | None
) -> tuple[Chap | None, str]:
    if not enabled or form == _PROHIBITED:
        return None, _PROHIBITED
    if not secret and known is not None and name == known.name:
        secret = known.secret
    if not name or not secret:
        raise invalid_argument("authenticationProperties", "CHAP needs a name and a secret")
    return Chap(name, secret), form or "chapRequired"
