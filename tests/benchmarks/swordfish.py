"""What the Redfish service costs: reading a volume, making one, and following the pages of a long collection.

`python -m tests.benchmarks.swordfish` prints one JSON line. `get_cpu_ms` is the server's CPU time for an authenticated
GET of a Volume over TLS on one kept-alive connection; `post_p50_ms` the time to a 202 whose task is durable
(`Prefer: respond-async`), `post_created_p50_ms` to a 201 after the volume was made (memory driver). Pages have 100
members: `first_page_ms_150` is the time of the first page of 150 volumes, `last_page_ms_10000` of the last full page of
10,000, found by following `nextLink`. `find_ms_10000` is the time of a `$filter` by name among these, `filter_ms_1000`
of a page for which 1,000 of them were tried.
"""

from __future__ import annotations

import http.client
import json
import ssl
import time
from collections.abc import Mapping
from typing import Any

from tests.benchmarks.list_volumes import VOLUMES, multiply
from tests.benchmarks.measure import ProcessTree, asked, percentile, report
from tests.benchmarks.serving import Caller, Serving, furnish_memory, serving

GETS = 3000
POSTS = 200
PAGES = 60
FEW = 150
_USER, _PASSWORD = "benchmark", "Correct-horse1battery"


class RedfishCaller:
    """One kept-alive connection with a session's token."""

    def __init__(self, server: Serving) -> None:
        context = ssl.create_default_context(cafile=str(server.ca))
        self._connection = http.client.HTTPSConnection("127.0.0.1", server.port, context=context, timeout=60)
        self._headers = {"Content-Type": "application/json", "OData-Version": "4.0"}
        login = {"UserName": _USER, "Password": _PASSWORD}
        _, headers = self.call("POST", "/redfish/v1/SessionService/Sessions", login)
        self._headers["X-Auth-Token"] = headers["X-Auth-Token"]

    def call(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, headers: Mapping[str, str] | None = None
    ) -> tuple[Any, http.client.HTTPMessage]:
        """The decoded answer and its headers; raises RuntimeError for anything but success."""
        data = None if body is None else json.dumps(body)
        self._connection.request(method, path, data, {**self._headers, **(headers or {})})
        answer = self._connection.getresponse()
        content = answer.read()
        if answer.status >= 300:
            raise RuntimeError(f"{method} {path}: {answer.status} {content[:500]!r}")
        return json.loads(content) if content else None, answer.headers

    def close(self) -> None:
        self._connection.close()


def _creations(caller: RedfishCaller, volumes: str, wanted: Mapping[str, Any], **headers: str) -> list[float]:
    taken = []
    for number in range(POSTS):
        began = time.perf_counter()
        _, answered = caller.call("POST", volumes, {**wanted, "Name": f"{len(headers)}-{number}"}, headers)
        taken.append(time.perf_counter() - began)
        monitor = answered["Location"]
        while "TaskMonitors" in monitor:
            _, answered = caller.call("GET", monitor)
            monitor = answered["Location"] or ""
    return taken


def _get_ms(caller: RedfishCaller, uri: str, times: int = PAGES) -> float:
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        caller.call("GET", uri)
        taken.append(time.perf_counter() - began)
    return percentile(taken, 50) * 1000


def _last_full_page(caller: RedfishCaller, volumes: str) -> str:
    """Its URI, found as clients find it."""
    size, before, here = 0, volumes, volumes
    while True:
        page, _ = caller.call("GET", here)
        size = max(size, len(page["Members"]))
        following = page.get("Members@odata.nextLink")
        if following is None:
            return here if len(page["Members"]) == size else before
        before, here = here, following


def main() -> None:
    asked(__doc__).parse_args()
    with serving() as server:
        plain = Caller(server)
        furnish_memory(plain)
        profile = next(one for one in plain.call("GET", "/v1/profiles")["items"] if one["name"] == "memory")
        plain.call("POST", "/v1/users", {"name": _USER, "tenant": None, "roles": ["admin"], "password": _PASSWORD})
        caller = RedfishCaller(server)
        services, _ = caller.call("GET", "/redfish/v1/StorageServices")
        service = services["Members"][0]["@odata.id"]
        volumes = f"{service}/Volumes"
        gold = {"@odata.id": f"{service}/ClassesOfService/{profile['id']}"}
        wanted = {"Name": "first", "CapacityBytes": 1 << 30, "Links": {"ClassOfService": gold}}
        body, _ = caller.call("POST", volumes, wanted)
        volume = body["@odata.id"]
        caller.call("GET", volume)
        with ProcessTree(server.pid) as tree:
            for _ in range(GETS):
                caller.call("GET", volume)
        for number in range(1, FEW):
            caller.call("POST", volumes, {**wanted, "Name": f"few-{number}"})
        first = _get_ms(caller, volumes)
        created = _creations(caller, volumes, wanted)
        accepted = _creations(caller, volumes, wanted, Prefer="respond-async")
        multiply(server)
        last = _get_ms(caller, _last_full_page(caller, volumes))
        find = _get_ms(caller, f"{volumes}?$filter=Name%20eq%20'v{VOLUMES // 2}'")
        tried = _get_ms(caller, f"{volumes}?$filter=CapacityBytes%20eq%200", 3)
        caller.close()
        plain.close()
    report(
        "swordfish",
        get_cpu_ms=tree.cpu / GETS * 1000,
        get_ms=tree.wall / GETS * 1000,
        post_p50_ms=percentile(accepted, 50) * 1000,
        post_created_p50_ms=percentile(created, 50) * 1000,
        first_page_ms_150=first,
        last_page_ms_10000=last,
        find_ms_10000=find,
        filter_ms_1000=tried,
        volumes=VOLUMES,
    )


if __name__ == "__main__":
    main()
