"""Dialogs when things do not go as wished: refused, failing, cancelled, without a session, without a server."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from tests.browser.desk import Desk, Enter, expect
from tests.browser.dialog import Dialog
from tests.browser.people import ANNA, BERND
from tests.browser.site import PROFILE, Site
from tests.simulators.vcenter.registry import named_fault, vim

pytestmark = [pytest.mark.server, pytest.mark.slow, pytest.mark.xdist_group("browser")]


@pytest.fixture(autouse=True)
def nothing_left(site: Site) -> Iterator[None]:
    """None of these tests makes anything that stays."""
    before = site.datastores()
    yield
    site.vc.interference.clear()
    assert site.datastores() == before and not site.volumes()


def provisioning(desk: Desk, name: str = "bronze", size: str = "2") -> Dialog:
    """The form, filled in."""
    desk.go("cluster-1")
    desk.choose("provision")
    dialog = Dialog(desk)
    dialog.fill(Name=name, Size=size, Profile=PROFILE)
    return dialog


def test_what_was_chosen_counts_while_the_choices_are_asked_for_anew(desk: Desk) -> None:
    desk.go("cluster-1")
    desk.choose("provision")
    dialog = Dialog(desk)
    dialog.fill(Name="bronze", Profile=PROFILE)
    dialog.field("Size").fill("2")
    # Leaving the size asks for the choices again, in the moment of the click.
    dialog.plan()
    expect(dialog.page.get_by_role("main")).to_contain_text(PROFILE)
    dialog.button("ui.cancel").click()
    expect(desk.dialogs).to_have_count(0)


def test_an_empty_form_says_at_each_field_what_is_missing(desk: Desk) -> None:
    desk.go("cluster-1")
    desk.choose("provision")
    dialog = Dialog(desk)
    dialog.settled()
    dialog.button("ui.next").click()
    expect(dialog.alert).to_be_visible()
    for label in ("Name", "Size"):
        expect(dialog.field(label)).to_have_attribute("aria-invalid", "true")
        expect(dialog.field(label)).to_have_accessible_description(re.compile("This is needed"))
    desk.screenshot("provision-missing-light")
    dialog.alert.get_by_role("button", name="Size").click()
    expect(dialog.field("Size")).to_be_focused()


def test_too_small_a_size_is_refused_before_anything_is_asked_of_the_server(desk: Desk) -> None:
    dialog = provisioning(desk, size="1")
    dialog.button("ui.next").click()
    expect(dialog.field("Size")).to_have_attribute("aria-invalid", "true")
    expect(dialog.field("Size")).to_have_accessible_description(re.compile("1,400 MiB"))


def test_a_name_that_is_taken_is_refused_with_the_reason(desk: Desk) -> None:
    dialog = provisioning(desk, name="datastore-001")
    with desk.faults.expected("answer: POST .*: 4", also="Failed to load resource"):
        dialog.button("ui.next").click()
        expect(dialog.page.get_by_role("main")).to_contain_text("datastore-001", use_inner_text=True)
        expect(dialog.alert).to_be_visible()
    dialog.close()


def test_a_failure_is_told_and_everything_is_as_before(desk: Desk, site: Site) -> None:
    dialog = provisioning(desk)
    dialog.plan()
    fault = named_fault(vim.fault.PlatformConfigFault(text=""), "The disk is broken.")
    site.vc.trouble("CreateVmfsDatastore", fault=fault, times=20)
    dialog.primary.click()
    dialog.ended("failed")
    expect(dialog.outcome).to_contain_text("Everything is as it was before.")
    expect(dialog.outcome).to_contain_text("req-")
    desk.screenshot("provision-failed-light")
    row = desk.page.get_by_role("table", name="Recent Tasks").locator("tbody tr").first
    expect(row).to_contain_text("Provision Datastore")
    expect(row).not_to_contain_text("Completed")
    dialog.close()


def test_what_goes_on_can_be_cancelled_and_is_undone(desk: Desk, site: Site) -> None:
    dialog = provisioning(desk)
    dialog.plan()
    site.vc.trouble("CreateVmfsDatastore", seconds=60)
    dialog.primary.click()
    with desk.page.expect_response(lambda answer: answer.url.partition("?")[0].endswith("/cancel")):
        dialog.page.locator('[data-verb="cancel"]').click()
    site.vc.interference.clear()
    dialog.ended("cancelled")
    expect(dialog.outcome).to_contain_text("Everything is as it was before.")
    desk.screenshot("provision-cancelled-light")
    dialog.close()


def test_an_ended_session_is_called_so(desk: Desk) -> None:
    dialog = provisioning(desk)
    desk.shell.end_session(ANNA)
    with desk.faults.expected("401", also="Failed to load resource"):
        dialog.button("ui.next").click()
        expect(dialog.alert).to_contain_text("Your session has ended.")
    desk.screenshot("session-ended-light")
    dialog.close()


def test_who_may_not_is_told_so_by_the_dialog_itself(enter: Enter) -> None:
    desk = enter(BERND)
    desk.go("cluster-1")
    desk.page.evaluate(
        """([url, id]) => import("/shell/dialogs.js").then(({ openDialog }) =>
          openDialog({ url, title: "Provision Datastore", contextObjects: [{ id }] }))""",
        [f"{desk.visit().plugin.prefix}/vsphere/ui/dialog/provision.html", desk.shell.urn("cluster-1")],
    )
    dialog = Dialog(desk)
    expect(dialog.page.get_by_role("main")).to_contain_text("Isthmus.Provision")
    expect(dialog.button("ui.next")).to_have_count(0)
    dialog.close()


def test_a_server_that_comes_back_is_asked_again(desk: Desk, site: Site) -> None:
    dialog = provisioning(desk)
    proxied = "**/vsphere/ui/api/actions/provision/plan**"
    desk.page.route(proxied, lambda route: route.abort("connectionrefused"))
    with desk.faults.expected("CONNECTION_REFUSED", also="Failed to load resource"):
        dialog.button("ui.next").click()
        expect(dialog.alert).to_contain_text("does not answer")
    desk.page.unroute(proxied)
    dialog.button("ui.again").click()
    dialog.planned()
    dialog.button("ui.back").click()
    expect(dialog.field("Name")).to_have_value("bronze")
    dialog.close()


def test_escape_closes_the_dialog_from_inside_the_page(desk: Desk) -> None:
    dialog = provisioning(desk)
    dialog.field("Name").press("Escape")
    expect(desk.dialogs).to_have_count(0)
    expect(desk.page.get_by_role("button", name="Actions")).to_be_focused()
