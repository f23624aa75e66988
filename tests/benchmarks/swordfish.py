"""What the Redfish service costs: reading a volume, making one, and following the pages of a long collection.

`python -m tests.benchmarks.swordfish` prints one JSON line. `get_cpu_ms` is the server's CPU time for an authenticated
GET of a Volume over TLS on one kept-alive connection; `post_p50_ms` the time to a 202 whose task is durable
(`Prefer: respond-async`), `post_created_p50_ms` to a 201 after the volume was made (memory driver); `page_ms_100` and
`page_ms_10000` that of the second page of a collection of so many volumes, found by its `nextLink`.
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


def _second_page(caller: RedfishCaller, volumes: str) -> float:
    first, _ = caller.call("GET", volumes)
    following = first.get("Members@odata.nextLink", volumes)
    taken = []
    for _ in range(PAGES):
        began = time.perf_counter()
        caller.call("GET", following)
        taken.append(time.perf_counter() - began)
    return percentile(taken, 50) * 1000


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
        created = _creations(caller, volumes, wanted)
        accepted = _creations(caller, volumes, wanted, Prefer="respond-async")
        few = _second_page(caller, volumes)
        multiply(server)
        many = _second_page(caller, volumes)
        caller.close()
        plain.close()
    report(
        "swordfish",
        get_cpu_ms=tree.cpu / GETS * 1000,
        get_ms=tree.wall / GETS * 1000,
        post_p50_ms=percentile(accepted, 50) * 1000,
        post_created_p50_ms=percentile(created, 50) * 1000,
        page_ms_100=few,
        page_ms_10000=many,
        volumes=VOLUMES,
    )


if __name__ == "__main__":
    main()
