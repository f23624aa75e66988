"""What is wrong with the registrations, what to do about it, and, if asked to, doing it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ....core.errors import IsthmusError
from ....core.model.description import Finding
from ....ui_bridge import style
from ..connection.soap import Connection
from ..events.alarms import Alarms
from ..vcenters.vcenter import VCenter
from . import extension
from .our_server import COMPARE, REPAIR
from .registrar import Registrar, pins, shown
from .request import Login
from .service_rights import service_findings


def examine(registrar: Registrar, given: Mapping[str, Any]) -> dict[str, Any]:
    """Findings for the vCenter that is named or for all. With `repair` what differs is registered again; then the
    findings are those of afterwards, and `repaired` says what was different. Raises `NotFound`."""
    found = []
    for vcenter in registrar.chosen(given):
        findings, repaired = _examined(registrar, vcenter, Login.of(given), repair=bool(given.get("repair")))
        found.append(
            {
                "vcenter": vcenter.name,
                "guid": vcenter.guid,
                "healthy": all(each.level != "error" for each in findings),
                "findings": [shown(each) for each in findings],
                "repaired": repaired,
            }
        )
    return {"vcenters": found}


def _examined(registrar: Registrar, vcenter: VCenter, login: Login, *, repair: bool) -> tuple[list[Finding], list[str]]:
    registrar.reaches.refresh(vcenter.guid)
    repaired: list[str] = []
    pin = ""
    findings: list[Finding] = []
    try:
        with registrar.session(vcenter, login) as (connection, who):
            findings.append(Finding("login", "ok", f"Logged in as {who.user}."))
            about = connection.about()
            if about.guid != vcenter.guid:
                findings.append(
                    Finding(
                        "identity",
                        "error",
                        f"Another vCenter answers at {vcenter.name}: {about.guid} instead of {vcenter.guid}.",
                        "Unregister the former one with --forget and register the new one.",
                    )
                )
                return findings, repaired
            vcenter = replace(vcenter, release=about.version, api=about.api)
            if repair:
                vcenter, repaired = _repaired(registrar, connection, vcenter)
            registered = extension.find(connection)
            findings += _compared(registrar, vcenter, connection, registered)
            alarms = Alarms(connection, registrar.offer.texts)
            if repair:
                repaired += alarms.put()
            findings += alarms.findings()
            pin = next(iter(extension.pins(registered)), "") if registered is not None else ""
    except IsthmusError as error:
        findings.append(Finding("vcenter", "error", error.message, error.next_step or ""))
    url = registrar.url(vcenter)
    findings += registrar.ours.judge(url, registrar.version, from_host=vcenter.host, pin=pin, pins=pins(vcenter))
    findings += service_findings(registrar.reaches, vcenter)
    findings += registrar.drift(vcenter.guid)
    findings.append(pages_finding())
    return findings, repaired


def pages_finding() -> Finding:
    """Whether the pages look as they should; without their style they are plain, and all else works."""
    if style.present():
        return Finding("pages", "ok", f"The pages have their style ({style.PACKAGE} {style.VERSION}).")
    return Finding(
        "pages",
        "warning",
        f"The pages' style ({style.PACKAGE} {style.VERSION}) was not fetched: they are plain, without dialogs.",
        f"Run `{style.COMMAND}` where npm is, as whoever installed Isthmus, and start the server again.",
    )


def _compared(registrar: Registrar, vcenter: VCenter, connection: Connection, registered: Any | None) -> list[Finding]:
    if registered is None:
        return [Finding("extension", "error", f"The plug-in is not registered with {vcenter.name}.", REPAIR)]
    wanted = registrar.wanted(vcenter)
    wrong = list(extension.differences(registered, extension.build(wanted, connection.version)))
    if wrong:
        text = f"What is registered is not what should be: {', '.join(wrong)}."
        cure = REPAIR if registrar.ours.familiar(wanted.certificate, pins(vcenter)) else COMPARE
        return [Finding("extension", "error", text, cure)]
    return [Finding("extension", "ok", f"Version {registered.version} is registered as it should be.")]


def _repaired(registrar: Registrar, connection: Connection, vcenter: VCenter) -> tuple[VCenter, list[str]]:
    release, api = vcenter.release, vcenter.api
    outcome, changed, vcenter = registrar.put(
        connection,
        vcenter,
        lambda now: replace(now, release=release, api=api),
        served=registrar.familiar(vcenter),
    )
    if outcome == "registered":
        changed = ["it was not registered"]
    return vcenter, changed
