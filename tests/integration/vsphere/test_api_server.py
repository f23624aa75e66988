"""The pages' API through a real server, with nothing but the session of the vSphere Client."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from tests.integration.vsphere.conftest import ANNA, KEY, Installation, specification
from tests.simulators.vcenter import Grant, Role, User, VCenter

pytestmark = pytest.mark.server

REQUEST = "req-01234567-89ab-cdef-0123-456789abcdef"


class Browser:
    """What a page sends, to the server itself."""

    def __init__(self, installation: Installation, vc: VCenter, token: str) -> None:
        self.address = f"{installation.server.address}/vsphere/ui/api"
        self.guid = vc.guid
        self.http = requests.Session()
        self.http.verify = str(installation.server.ca)
        self.http.trust_env = False
        self.http.headers.update({"vmware-api-session-id": token, "vmware-api-gateway-url": vc.url})

    def get(self, path: str, **headers: str) -> requests.Response:
        where = f"{self.address}/{path}?vcenter={self.guid}&locale=de"
        return self.http.get(where, headers=headers, timeout=30)

    def post(self, path: str, body: Any, **headers: str) -> requests.Response:
        where = f"{self.address}/{path}?vcenter={self.guid}&locale=de"
        return self.http.post(where, json=body, headers=headers, timeout=30)


def test_a_page_is_served_with_the_persons_own_session(installation: Installation) -> None:
    viewers = Role("Viewers", ("Isthmus.View",))
    anna = User(ANNA.name, ANNA.password, (Grant(viewers.name),))
    spec = specification(roles=(viewers,))
    users = tuple(anna if each.name == anna.name else each for each in spec.users)
    with VCenter(type(spec)(users=users, roles=spec.roles)) as vc:
        installation.register(vc)
        token = vc.interface_sessions.open(anna.name, anna.password, KEY)
        browser = Browser(installation, vc, token)
        answer = browser.get("session", **{"X-Openstack-Request-Id": REQUEST})
        assert answer.status_code == 200, answer.text
        found = answer.json()
        assert (found["role"], found["tenant"], found["vcenter"]["guid"]) == ("reader", "default", vc.guid)
        assert answer.headers["X-Openstack-Request-Id"] == REQUEST and answer.headers["Cache-Control"] == "no-store"
        assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
        assert browser.get("operations").json() == {"items": []}
        assert browser.get("views/overview").json()["title"] == "Isthmus-Speicher"
        refused = browser.get("explain/req-none")
        assert refused.status_code == 404 and refused.json()["request_id"] == refused.headers["X-Openstack-Request-Id"]
        foreign = browser.post("operations/none/cancel", {}, **{"Sec-Fetch-Site": "cross-site"})
        assert foreign.status_code == 403
        stranger = Browser(installation, vc, "nobody").get("session")
        assert stranger.status_code == 401 and "Basic" not in stranger.headers["WWW-Authenticate"]
        large = browser.post("operations/none/cancel", {"x": "y" * 70_000})
        assert large.status_code == 400
        where = f"{browser.address}/operations/none/cancel?vcenter={vc.guid}"
        pieces = {"Content-Type": "application/json"}
        for content, status in (([b'{"a"', b": 1}"], 404), ([b"[", b"1]"], 400), ([b"[" * 50_000] * 2, 400)):
            assert browser.http.post(where, data=iter(content), headers=pieces, timeout=30).status_code == status
    assert token not in installation.server.log.read_text()


def test_the_words_of_the_pages_need_nobody(installation: Installation) -> None:
    address = f"{installation.server.address}/vsphere/ui/api/texts?locale=zh-TW"
    answer = requests.get(address, verify=installation.client.verify, timeout=10)
    assert answer.status_code == 200 and answer.json()["locale"] == "zh-CN"
