"""Events: pushed to a destination with retries, and on a stream, both from the core's numbered events."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from isthmus.plugins.swordfish.events.subscription import SHARE
from tests.environment import redfish_schemas
from tests.environment.redfish import RedfishClient, RedfishService, redfish_service
from tests.environment.redfish_events import STREAM, Destination, Hanging, Reader, origins
from tests.environment.server import running_server, until

SUBSCRIPTIONS = "/redfish/v1/EventService/Subscriptions"
PASSWORD = "Correct-horse1battery"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedfishService]:
    with redfish_service(tmp_path_factory.mktemp("events")) as found:
        yield found


@pytest.fixture
def client(service: RedfishService) -> Iterator[RedfishClient]:
    yield service.client()
    service.check()


@pytest.fixture
def destination() -> Iterator[Destination]:
    found = Destination()
    yield found
    found.close()


@pytest.fixture
def tidy(client: RedfishClient) -> Iterator[None]:
    yield
    for uri in client.members(SUBSCRIPTIONS):
        client.delete(uri)


def subscribe(client: RedfishClient, destination: Destination | Hanging, **more: Any) -> str:
    answer = client.post(SUBSCRIPTIONS, {"Destination": destination.url, "Protocol": "Redfish", **more})
    assert answer.status_code == 201, answer.text
    return str(answer.headers["Location"])


def make_tenant(service: RedfishService, name: str) -> str:
    return str(service.make("/v1/tenants", {"name": name})["id"])


def make_user(service: RedfishService, name: str, tenant: str | None, role: str) -> RedfishClient:
    """A new user's client, by Basic."""
    service.make("/v1/users", {"name": name, "tenant": tenant, "roles": [role], "password": PASSWORD})
    return service.client(name, PASSWORD)


def administer(service: RedfishService, method: str, path: str, body: Any = None) -> None:
    """Through Isthmus's own interface, as its administrator."""
    with service.server.session() as session:
        answer = session.request(method, service.server.address + path, json=body, timeout=30)
        assert answer.ok, answer.text


def judged(body: dict[str, Any]) -> dict[str, Any]:
    if not redfish_schemas.missing():
        assert redfish_schemas.official().errors(body) == []
    return body


@pytest.mark.usefixtures("tidy")
def test_what_happens_is_pushed_with_context_and_headers(
    service: RedfishService, client: RedfishClient, destination: Destination
) -> None:
    uri = subscribe(client, destination, Context="ours", HttpHeaders=[{"X-Secret": "s3cret"}])
    assert client.body(uri)["HttpHeaders"] == []
    tenant = make_tenant(service, "pushed")
    headers, body = destination.until(f"/redfish/v1/StorageServices/{tenant}")[-1]
    assert headers["X-Secret"] == "s3cret"
    assert body["Context"] == "ours"
    assert judged(body)["Events"][0]["MessageId"].startswith("ResourceEvent.") and body["Events"][0]["EventType"]


@pytest.mark.usefixtures("tidy")
def test_messages_are_asked_for_with_or_without_a_version(client: RedfishClient, destination: Destination) -> None:
    wanted = ["TaskEvent.TaskCompletedOK", "ResourceEvent.1.3.ResourceCreated"]
    assert client.body(subscribe(client, destination, MessageIds=wanted))["MessageIds"] == wanted


@pytest.mark.usefixtures("tidy")
def test_filters_let_pass_what_was_asked_for(
    service: RedfishService, client: RedfishClient, destination: Destination
) -> None:
    subscribe(client, destination, ResourceTypes=["ManagerAccount"], RegistryPrefixes=["ResourceEvent"])
    make_tenant(service, "unheard")
    user = service.make("/v1/users", {"name": "heard", "tenant": None, "roles": ["reader"], "password": PASSWORD})["id"]
    told = destination.until(f"/redfish/v1/AccountService/Accounts/{user}")
    assert all(uri.startswith("/redfish/v1/AccountService/Accounts/") for _, body in told for uri in origins(body))


@pytest.mark.usefixtures("tidy")
def test_a_suspended_subscription_is_told_everything_when_it_goes_on(
    service: RedfishService, client: RedfishClient, destination: Destination
) -> None:
    uri = subscribe(client, destination, DeliveryRetryPolicy="RetryForever")
    client.post(f"{uri}/Actions/EventDestination.SuspendSubscription", {})
    until(lambda: client.body(uri)["Status"]["State"] == "Disabled")
    first = make_tenant(service, "while-away")
    second = make_tenant(service, "while-away-too")
    client.post(f"{uri}/Actions/EventDestination.ResumeSubscription", {})
    told = destination.until(f"/redfish/v1/StorageServices/{second}")
    assert f"/redfish/v1/StorageServices/{first}" in [uri for _, body in told for uri in origins(body)]


def test_destinations_that_do_not_answer_hold_up_nobody(
    service: RedfishService, client: RedfishClient, destination: Destination
) -> None:
    tenant = make_tenant(service, "mute")
    mute = make_user(service, "mute", tenant, "member")
    with contextlib.ExitStack() as hanging:
        dead = [hanging.enter_context(contextlib.closing(Hanging(dripping=n % 2 == 0))) for n in range(10)]
        uris = [subscribe(mute, one) for one in dead]
        make_user(service, "heard-by-nobody", tenant, "reader")
        until(lambda: any(one.taken for one in dead))
        uris.append(subscribe(client, destination))
        held_up = make_tenant(service, "not-held-up")
        assert destination.until(f"/redfish/v1/StorageServices/{held_up}")
        for uri in uris:
            client.delete(uri)


def test_a_tenant_hears_of_its_own_things_only(
    service: RedfishService, client: RedfishClient, destination: Destination
) -> None:
    tenant = make_tenant(service, "hearing")
    first = service.make("/v1/users", {"name": "ear", "tenant": tenant, "roles": ["manager"], "password": PASSWORD})
    ear = service.client("ear", PASSWORD)
    uri = subscribe(ear, destination)
    assert client.members(SUBSCRIPTIONS) == [uri]
    make_tenant(service, "unheard-of")
    second = service.make("/v1/users", {"name": "ear2", "tenant": tenant, "roles": ["reader"], "password": PASSWORD})
    mine = [f"/redfish/v1/AccountService/Accounts/{one['id']}" for one in (first, second)]
    told = destination.until(mine[1])
    # What was made a moment before the subscription may have got its number after it.
    assert {origin for _, body in told for origin in origins(body)} <= set(mine)
    other = service.client("ear2", PASSWORD)
    assert other.get(uri).status_code == 404
    assert other.delete(uri).status_code == 404
    assert ear.delete(uri).status_code == 204


@pytest.mark.parametrize(
    ("changed", "status", "message"),
    [
        ({"Protocol": "FTP"}, 400, "PropertyValueNotInList"),
        ({"Destination": "ftp://127.0.0.1/"}, 400, "PropertyValueError"),
        ({"Destination": "https://user:secret@127.0.0.1/"}, 400, "PropertyValueError"),
        ({"Destination": 5}, 400, "PropertyValueTypeError"),
        ({"EventFormatType": "Bogus"}, 400, "PropertyValueNotInList"),
        ({"RegistryPrefixes": ["Bogus"]}, 400, "PropertyValueNotInList"),
        ({"MessageIds": ["TaskCompletedOK"]}, 400, "PropertyValueNotInList"),
        ({"MessageIds": ["TaskEvent.TaskCompletedOK", "Foo.1.0.Bar"]}, 400, "PropertyValueNotInList"),
        ({"MessageIds": ["Base.1.22.Success"]}, 400, "PropertyValueNotInList"),
        ({"HttpHeaders": [{"a b": "c"}]}, 400, "PropertyValueFormatError"),
        ({"Bogus": 1}, 400, "PropertyUnknown"),
    ],
)
def test_a_subscription_that_cannot_be_is_refused(
    client: RedfishClient, changed: dict[str, Any], status: int, message: str
) -> None:
    answer = client.post(SUBSCRIPTIONS, {"Destination": "https://127.0.0.1/", "Protocol": "Redfish", **changed})
    assert answer.status_code == status
    assert answer.json()["error"]["code"].endswith(f".{message}")
    assert "secret" not in answer.text
    assert client.members(SUBSCRIPTIONS) == []


def test_a_stream_tells_and_is_a_subscription_while_it_is_open(service: RedfishService, client: RedfishClient) -> None:
    reader = Reader(client)
    assert reader.answer.status_code == 200
    assert reader.answer.headers["Content-Type"] == "text/event-stream"
    (uri,) = client.members(SUBSCRIPTIONS)
    shown = client.body(uri)
    assert shown["SubscriptionType"] == "SSE" and isinstance(shown["Context"], str)
    tenant = make_tenant(service, "streamed")
    event = reader.until(f"/redfish/v1/StorageServices/{tenant}")[-1]
    assert judged(event["body"])
    assert event["body"]["Id"] == event["id"]
    reader.close()

    def gone() -> bool:
        make_noise(service)
        return client.get(uri).status_code == 404

    until(gone, 40)


_count = iter(range(10_000))


def make_noise(service: RedfishService) -> None:
    """Something happens: a server notices that a client has gone when it writes."""
    make_tenant(service, f"noise-{next(_count)}")


def ended(service: RedfishService, reader: Reader) -> None:
    """The stream ends at the next that there is to say; fails when it goes on."""
    make_noise(service)
    while (block := reader.blocks.get(timeout=20)) is not None:
        assert block


def test_a_stream_ends_when_its_subscription_is_deleted(service: RedfishService, client: RedfishClient) -> None:
    reader = Reader(client)
    (uri,) = client.members(SUBSCRIPTIONS)
    assert client.delete(uri).status_code == 204
    ended(service, reader)
    assert client.members(SUBSCRIPTIONS) == []


def test_a_stream_tells_nothing_after_logout(service: RedfishService, client: RedfishClient) -> None:
    make_user(service, "logging-out", None, "admin")
    leaver = service.client(None)
    session = leaver.login("logging-out", PASSWORD).headers["Location"]
    reader = Reader(leaver)
    make_tenant(service, "before-logout")
    assert reader.next_event()
    assert client.delete(session).status_code == 204
    after = make_tenant(service, "after-logout")
    while (block := reader.blocks.get(timeout=20)) is not None:
        assert after not in block["data"]
    until(lambda: client.members(SUBSCRIPTIONS) == [])


@pytest.mark.parametrize("by", ["session", "password"])
@pytest.mark.parametrize("how", ["deleted", "disabled", "of less rights"])
def test_a_stream_ends_with_the_rights_of_its_account(service: RedfishService, by: str, how: str) -> None:
    name = f"{how}-{by}".replace(" ", "-")
    made = service.make("/v1/users", {"name": name, "tenant": None, "roles": ["admin"], "password": PASSWORD})
    leaver = service.logged_in(name, PASSWORD) if by == "session" else service.client(name, PASSWORD)
    reader = Reader(leaver)
    make_tenant(service, f"before-{name}")
    assert reader.next_event()
    if how == "deleted":
        administer(service, "DELETE", f"/v1/users/{made['id']}")
    else:
        change = {"enabled": False} if how == "disabled" else {"roles": ["reader"]}
        administer(service, "PATCH", f"/v1/users/{made['id']}", change)
    ended(service, reader)


def test_a_stream_ends_when_its_tenant_is_disabled(service: RedfishService) -> None:
    tenant = make_tenant(service, "shutting")
    reader = Reader(make_user(service, "shut-out", tenant, "reader"))
    administer(service, "PATCH", f"/v1/tenants/{tenant}", {"enabled": False})
    while (block := reader.blocks.get(timeout=20)) is not None:
        assert block


def test_who_comes_back_misses_nothing(service: RedfishService, client: RedfishClient) -> None:
    reader = Reader(client)
    make_tenant(service, "before")
    last = reader.next_event()["id"]
    reader.close()
    missed = make_tenant(service, "missed")
    again = Reader(client, **{"Last-Event-ID": last})
    told = again.until(f"/redfish/v1/StorageServices/{missed}")
    assert [int(event["id"]) > int(last) for event in told] == [True] * len(told)
    again.close()


def test_a_stream_is_refused_to_who_wants_something_else(client: RedfishClient) -> None:
    answer = client.get(STREAM, headers={"Accept": "application/json"})
    assert answer.status_code == 406
    assert answer.json()["error"]["@Message.ExtendedInfo"]
    assert client.get(STREAM, headers={"Last-Event-ID": "x"}).status_code == 400


@pytest.fixture(scope="module")
def narrow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedfishService]:
    """A service with eight event streams."""
    with redfish_service(tmp_path_factory.mktemp("narrow"), listen={"threads": 16}) as found:
        yield found


def test_one_tenant_does_not_use_up_the_streams(narrow: RedfishService) -> None:
    tenant = make_tenant(narrow, "greedy")
    greedy = make_user(narrow, "greedy", tenant, "reader")
    other = make_user(narrow, "also-greedy", tenant, "reader")
    readers = [Reader(one) for one in (greedy, other)]
    assert [reader.answer.status_code for reader in readers] == [200, 200]
    refused = other.get(STREAM)
    assert refused.status_code == 503
    assert refused.json()["error"]["code"].endswith(".EventSubscriptionLimitExceeded")
    readers.append(Reader(narrow.client()))
    assert readers[-1].answer.status_code == 200
    for reader in readers:
        reader.close()


def test_one_tenant_does_not_use_up_the_subscriptions(narrow: RedfishService, destination: Destination) -> None:
    client = narrow.client()
    for name in ("a", "b", "c", "d"):
        user = make_user(narrow, f"many-{name}", make_tenant(narrow, f"many-{name}"), "member")
        for _ in range(SHARE):
            subscribe(user, destination)
        refused = user.post(SUBSCRIPTIONS, {"Destination": destination.url, "Protocol": "Redfish"})
        assert refused.status_code == 503
        assert refused.json()["error"]["code"].endswith(".EventSubscriptionLimitExceeded")
        assert len(user.members(SUBSCRIPTIONS)) == SHARE
    own, found = subscribe(client, destination), client.members(SUBSCRIPTIONS)
    assert own in found
    pushed = [uri for uri in found if client.body(uri)["SubscriptionType"] == "RedfishEvent"]
    assert len(pushed) == len(set(pushed)) == 4 * SHARE + 1


def test_what_happened_before_a_restart_is_told_after_it(tmp_path: Path, destination: Destination) -> None:
    destination.refusing.set()
    with (
        contextlib.closing(Hanging(dripping=True)) as hanging,
        redfish_service(tmp_path) as before,
        contextlib.closing(before.client()) as client,
    ):
        subscribe(client, destination, Context="kept", HttpHeaders=[{"X-Secret": "s3cret"}])
        subscribe(client, hanging)
        tenant = make_tenant(before, "before-the-restart")
        until(lambda: destination.attempts and hanging.taken)
        assert before.server.stop() == 0
    destination.refusing.clear()
    with running_server(tmp_path):
        headers, body = destination.until(f"/redfish/v1/StorageServices/{tenant}")[-1]
    assert (headers["X-Secret"], body["Context"]) == ("s3cret", "kept")
