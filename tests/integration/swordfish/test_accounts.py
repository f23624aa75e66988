"""Who may come in and what they may do: sessions, accounts, roles, and what is refused to whom."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from isthmus.core.model.tenant import LOCKOUT_THRESHOLD
from tests.environment.redfish import ADMINISTRATOR, SESSIONS, RedfishClient, RedfishService, redfish_service
from tests.environment.redfish import PASSWORD as CHIEF
from tests.environment.server import until

ROOT = "/redfish/v1"
ACCOUNTS = f"{ROOT}/AccountService/Accounts"
ROLES = f"{ROOT}/AccountService/Roles"
SESSION_SERVICE = f"{ROOT}/SessionService"
PASSWORD = "Abcdefgh1234_xyz"
OTHER = "Zyxwvuts9876-abc"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedfishService]:
    with redfish_service(tmp_path_factory.mktemp("redfish")) as running:
        yield running


@pytest.fixture(scope="module")
def client(service: RedfishService) -> RedfishClient:
    return service.client()


@pytest.fixture(scope="module")
def tenants(service: RedfishService) -> dict[str, str]:
    """The ids of two tenants, each with a manager, a member and a reader: `blue-manager` and so on."""
    found = {}
    for name in ("blue", "red"):
        found[name] = service.make("/v1/tenants", {"name": name})["id"]
        for role in ("manager", "member", "reader"):
            user = {"name": f"{name}-{role}", "tenant": found[name], "roles": [role], "password": PASSWORD}
            service.make("/v1/users", user)
    return found


def account(client: RedfishClient, name: str, role: str = "ReadOnly", **more: Any) -> dict[str, Any]:
    answer = client.post(ACCOUNTS, {"UserName": name, "Password": PASSWORD, "RoleId": role, **more})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    assert answer.headers["Location"] == made["@odata.id"]
    return made


def code(answer: requests.Response) -> str:
    """The key of the first message of an error."""
    return str(answer.json()["error"]["code"]).rpartition(".")[2]


def test_a_login_gives_a_token_that_logs_out(service: RedfishService, client: RedfishClient) -> None:
    stranger = service.client(None)
    answer = stranger.post(SESSIONS, {"UserName": ADMINISTRATOR, "Password": CHIEF, "Context": "mine"})
    assert answer.status_code == 201
    token, session = answer.headers["X-Auth-Token"], answer.json()
    assert len(token) == 64 and int(token, 16) >= 0
    assert answer.headers["Location"] == session["@odata.id"]
    assert (session["UserName"], session["Password"], session["Context"]) == (ADMINISTRATOR, None, "mine")
    assert "Token" not in session and "Set-Cookie" not in answer.headers and token not in answer.text
    stranger.session.headers["X-Auth-Token"] = token
    assert session["@odata.id"] in stranger.members(SESSIONS)
    assert stranger.delete(session["@odata.id"]).status_code == 204
    for path in (SESSIONS, ACCOUNTS, f"{ROOT}/StorageServices", session["@odata.id"], f"{ROOT}/nothing"):
        refused = stranger.get(path)
        assert (refused.status_code, code(refused)) == (401, "NoValidSession")
        assert refused.headers["WWW-Authenticate"].startswith("Basic ")


def test_a_login_by_the_members_of_the_collection_is_one_too(service: RedfishService, client: RedfishClient) -> None:
    stranger = service.client(None)
    answer = stranger.post(f"{SESSIONS}/Members", {"UserName": ADMINISTRATOR, "Password": CHIEF})
    assert answer.status_code == 201 and answer.headers["X-Auth-Token"]
    assert answer.headers["Location"] == answer.json()["@odata.id"]
    assert client.delete(answer.headers["Location"]).status_code == 204
    assert stranger.get(f"{SESSIONS}/Members").status_code == 401


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        ({"UserName": ADMINISTRATOR, "Password": "not the one"}, 401, "AccessUnauthorized"),
        ({"UserName": "nobody", "Password": "not the one"}, 401, "AccessUnauthorized"),
        ({"UserName": ADMINISTRATOR}, 400, "CreateFailedMissingReqProperties"),
        ({"UserName": ADMINISTRATOR, "Password": 12345678}, 400, "PropertyValueTypeError"),
        ({"UserName": ADMINISTRATOR, "Password": "x" * 2000}, 400, "PropertyValueFormatError"),
        ({"UserName": "a\0b", "Password": "not the one"}, 400, "MalformedJSON"),
        ({"UserName": ADMINISTRATOR, "Password": "not the one", "Token": "1"}, 400, "PropertyUnknown"),
        ({}, 400, "CreateFailedMissingReqProperties"),
    ],
)
def test_a_login_that_is_none(service: RedfishService, body: dict[str, Any], status: int, message: str) -> None:
    answer = service.client(None).post(SESSIONS, body)
    assert (answer.status_code, code(answer)) == (status, message)
    for secret in ("not the one", "12345678", "xxxxxxxx"):
        assert secret not in answer.text
    assert "X-Auth-Token" not in answer.headers


def test_an_own_session_and_others(service: RedfishService, client: RedfishClient, tenants: dict[str, str]) -> None:
    blue, red = (service.logged_in(f"{name}-member", PASSWORD) for name in ("blue", "red"))
    [mine], [theirs] = blue.members(SESSIONS), red.members(SESSIONS)
    assert mine != theirs and {mine, theirs} <= set(client.members(SESSIONS))
    assert blue.get(theirs).status_code == 404 and blue.delete(theirs).status_code == 404
    assert red.get(theirs).status_code == 200
    assert client.delete(theirs).status_code == 204
    assert red.get(f"{ROOT}/StorageServices").status_code == 401
    assert blue.delete(mine).status_code == 204


def test_no_token_means_nothing_to_a_stranger(service: RedfishService, client: RedfishClient) -> None:
    stranger = service.client(None)
    known = client.members(ACCOUNTS)[0]
    for path in (SESSIONS, ACCOUNTS, known, f"{known}x", f"{ROOT}/nothing", f"{ROOT}/AccountService/PrivilegeMap"):
        for method in ("GET", "PATCH", "DELETE"):
            refused = stranger.request(method, path, headers={"If-None-Match": "*"})
            assert refused.status_code == 401, f"{method} {path}"
    for headers in ({"X-Auth-Token": "rfpv012345678901"}, {"Authorization": "Basic !"}, {"Authorization": "Bearer x"}):
        refused = stranger.get(f"{ROOT}/nothing", headers=headers)
        assert refused.status_code == 401 and "rfpv" not in refused.text


def test_how_long_sessions_last_is_an_administrators_to_say(
    service: RedfishService, client: RedfishClient, tenants: dict[str, str]
) -> None:
    assert client.patch(SESSION_SERVICE, {"SessionTimeout": 900}).json()["SessionTimeout"] == 900
    assert client.body(SESSION_SERVICE)["SessionTimeout"] == 900
    for wrong in (29, 86401, "900", None):
        assert client.patch(SESSION_SERVICE, {"SessionTimeout": wrong}).status_code == 400
    refused = service.client("blue-manager", PASSWORD).patch(SESSION_SERVICE, {"SessionTimeout": 901})
    assert (refused.status_code, code(refused)) == (403, "InsufficientPrivilege")
    assert client.patch(SESSION_SERVICE, {"AbsoluteSessionTimeout": 900}).status_code == 400
    assert client.body(SESSION_SERVICE)["SessionTimeout"] == 900


def test_an_account_lives(service: RedfishService, client: RedfishClient) -> None:
    made = account(client, "living")
    uri = made["@odata.id"]
    assert uri in client.members(ACCOUNTS)
    shown = {name: made[name] for name in ("UserName", "Password", "RoleId", "Enabled", "Locked", "AccountTypes")}
    assert shown == {
        "UserName": "living", "Password": None, "RoleId": "ReadOnly", "Enabled": True, "Locked": False,
        "AccountTypes": ["Redfish"],
    }  # fmt: skip
    assert made["Links"]["Role"]["@odata.id"] == f"{ROLES}/ReadOnly"
    own = service.client("living", PASSWORD)
    assert own.get(uri).status_code == 200
    assert own.members(ACCOUNTS) == [uri]
    changed = client.patch(uri, {"RoleId": "Operator", "Bogus": 1})
    assert changed.status_code == 200 and changed.json()["RoleId"] == "Operator"
    assert changed.json()["@Message.ExtendedInfo"]
    assert client.patch(uri, {"Enabled": False}).json()["Enabled"] is False
    assert own.get(uri).status_code == 401
    client.patch(uri, {"Enabled": True})
    assert own.get(uri).status_code == 200
    assert client.delete(uri).status_code == 204
    assert client.get(uri).status_code == 404 and own.get(uri).status_code == 401


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"Password": "short"}, "PropertyValueFormatError"),
        ({"Password": None}, "PropertyValueTypeError"),
        ({"RoleId": "Root"}, "PropertyValueNotInList"),
        ({"RoleId": "admin"}, "PropertyValueNotInList"),
        ({"UserName": "a:b"}, "PropertyValueError"),
        ({"UserName": "a/b"}, "PropertyValueError"),
        ({"AccountTypes": ["IPMI"]}, "PropertyValueNotInList"),
        ({"Locked": False}, "PropertyUnknown"),
    ],
)
def test_an_account_that_cannot_be(client: RedfishClient, changed: dict[str, Any], message: str) -> None:
    before = client.members(ACCOUNTS)
    answer = client.post(ACCOUNTS, {"UserName": "impossible", "Password": PASSWORD, "RoleId": "ReadOnly", **changed})
    assert (answer.status_code, code(answer)) == (400, message)
    assert PASSWORD not in answer.text and "short" not in answer.text
    assert client.members(ACCOUNTS) == before


def test_a_name_that_is_taken_is_said_so(client: RedfishClient) -> None:
    answer = client.post(ACCOUNTS, {"UserName": ADMINISTRATOR, "Password": PASSWORD, "RoleId": "ReadOnly"})
    assert (answer.status_code, code(answer)) == (409, "ResourceAlreadyExists")
    (message,) = answer.json()["error"]["@Message.ExtendedInfo"]
    assert message["MessageArgs"] == ["ManagerAccount", "UserName", ADMINISTRATOR]
    assert message["RelatedProperties"] == ["/UserName"]


@pytest.mark.parametrize("kind", ["SessionService/Sessions", "AccountService/Accounts", "EventService/Subscriptions"])
def test_what_is_not_done_once_takes_no_key(client: RedfishClient, kind: str) -> None:
    uri = f"{ROOT}/{kind}"
    before = client.members(uri)
    bodies = {
        SESSIONS: {"UserName": ADMINISTRATOR, "Password": CHIEF},
        ACCOUNTS: {"UserName": "keyed", "Password": PASSWORD, "RoleId": "ReadOnly"},
    }
    body = bodies.get(uri, {"Destination": "https://127.0.0.1/", "Protocol": "Redfish"})
    answer = client.post(uri, body, headers={"Idempotency-Key": "once"})
    assert (answer.status_code, code(answer)) == (400, "HeaderInvalid")
    assert client.members(uri) == before


@pytest.mark.parametrize(
    ("method", "path", "status", "message"),
    [
        ("GET", "odata?$foo=1", 501, "QueryParameterUnsupported"),
        ("GET", "$metadata?$foo=1", 501, "QueryParameterUnsupported"),
        ("GET", "EventService/SSE?$filter=MessageId eq 'x'", 400, "QueryNotSupportedOnResource"),
        ("GET", "AccountService/PrivilegeMap?$select=Id", 400, "QueryNotSupportedOnResource"),
        ("POST", "AccountService/Accounts?$foo=1", 501, "QueryParameterUnsupported"),
        ("POST", "AccountService/Accounts?$expand=.", 400, "QueryNotSupportedOnOperation"),
    ],
)
def test_an_option_that_is_not_taken_is_refused_wherever_it_stands(
    client: RedfishClient, method: str, path: str, status: int, message: str
) -> None:
    before = client.members(ACCOUNTS)
    body = {"UserName": "optional", "Password": PASSWORD, "RoleId": "ReadOnly"} if method == "POST" else None
    answer = client.request(method, f"{ROOT}/{path}", body)
    assert (answer.status_code, code(answer)) == (status, message)
    assert client.members(ACCOUNTS) == before
    assert client.get(f"{ROOT}/odata?foo=1").status_code == 200


def test_of_four_who_change_an_account_at_once_one_wins(service: RedfishService, client: RedfishClient) -> None:
    made = account(client, "contested")
    uri, tag = made["@odata.id"], made["@odata.etag"]
    answers: list[int] = []
    start = threading.Barrier(4)

    def change() -> None:
        one = service.client()
        start.wait(20)
        answers.append(one.patch(uri, {"RoleId": "Operator"}, headers={"If-Match": tag}).status_code)

    threads = [threading.Thread(target=change) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(answers) == [200, 412, 412, 412]
    assert client.patch(uri, {"RoleId": "ReadOnly"}, headers={"If-Match": tag}).status_code == 412
    assert client.body(uri)["RoleId"] == "Operator"
    assert client.delete(uri, headers={"If-Match": tag}).status_code == 412
    assert client.delete(uri).status_code == 204


def test_a_password_that_must_be_changed(service: RedfishService, client: RedfishClient) -> None:
    uri = account(client, "newcomer", "Operator", PasswordChangeRequired=True)["@odata.id"]
    own = service.client("newcomer", PASSWORD)
    stranger = service.client(None)
    login = stranger.login("newcomer", PASSWORD)
    assert login.status_code == 201
    [message] = login.json()["@Message.ExtendedInfo"]
    assert message["MessageId"].endswith(".PasswordChangeRequired") and message["MessageArgs"] == [uri]
    for who in (own, stranger):
        assert who.get(uri).status_code == 200
        for path in (SESSIONS, ACCOUNTS, ROLES, f"{ROOT}/StorageServices", f"{ROOT}/AccountService"):
            refused = who.get(path)
            assert (refused.status_code, code(refused)) == (403, "PasswordChangeRequired")
        assert who.patch(uri, {"PasswordChangeRequired": False}).status_code == 403
        assert who.patch(uri, {"Password": OTHER, "RoleId": "Administrator"}).status_code == 403
    rest = requests.get(
        f"{service.server.address}/v1/volumes", auth=("newcomer", PASSWORD), verify=str(service.server.ca), timeout=30
    )
    assert rest.status_code == 403 and rest.json()["code"] == "password_change_required"
    assert "must be changed" in rest.json()["detail"]
    same = stranger.patch(uri, {"Password": PASSWORD})
    assert (same.status_code, code(same)) == (400, "PropertyValueError")
    assert same.json()["error"]["@Message.ExtendedInfo"][0]["RelatedProperties"] == ["/Password"]
    assert own.get(SESSIONS).status_code == 403, "it must be changed as before"
    changed = stranger.patch(uri, {"Password": OTHER})
    assert changed.status_code == 200 and changed.json()["PasswordChangeRequired"] is False
    assert stranger.get(SESSIONS).status_code == 401
    assert own.get(SESSIONS).status_code == 401
    assert service.client("newcomer", OTHER).get(SESSIONS).status_code == 200
    assert client.delete(uri).status_code == 204


def test_what_an_administrator_says_of_a_password_counts_for_sessions_that_are_open(
    service: RedfishService, client: RedfishClient
) -> None:
    uri = account(client, "careless")["@odata.id"]
    open_ = service.logged_in("careless", PASSWORD)
    assert open_.get(SESSIONS).status_code == 200
    assert client.patch(uri, {"PasswordChangeRequired": True}).json()["PasswordChangeRequired"] is True
    assert (open_.get(SESSIONS).status_code, open_.get(uri).status_code) == (403, 200)
    assert open_.patch(uri, {"Password": OTHER}).status_code == 200
    assert client.delete(uri).status_code == 204


def test_wrong_passwords_lock_an_account_until_it_is_unlocked(service: RedfishService, client: RedfishClient) -> None:
    threshold = client.body(f"{ROOT}/AccountService")["AccountLockoutThreshold"]
    uri = account(client, "guessed")["@odata.id"]
    for _ in range(threshold):
        assert service.client("guessed", "not the one").get(SESSIONS).status_code == 401
    assert client.body(uri)["Locked"] is True
    assert service.client("guessed", PASSWORD).get(SESSIONS).status_code == 401
    assert service.client(None).login("guessed", PASSWORD).status_code == 401
    assert client.patch(uri, {"Locked": True}).status_code == 400
    assert client.patch(uri, {"Locked": False}).json()["Locked"] is False
    assert service.client("guessed", PASSWORD).get(SESSIONS).status_code == 200
    assert client.delete(uri).status_code == 204


@pytest.mark.parametrize("path", [f"{ROOT}?$expand=*", f"{ROOT}/", f"{ROOT}/odata", f"{ROOT}/$metadata", "/redfish"])
def test_a_wrong_password_counts_once_and_is_refused_where_none_is_needed(
    service: RedfishService, client: RedfishClient, path: str
) -> None:
    name = f"guessed-{abs(hash(path))}"
    uri = account(client, name)["@odata.id"]
    guesser, owner = service.client(name, OTHER), service.client(name, PASSWORD)
    for _ in range(LOCKOUT_THRESHOLD - 1):
        assert guesser.get(path).status_code == 401
    assert owner.get(uri).status_code == 200
    assert owner.get(path).status_code == 200
    assert service.client(None).get(path).status_code == 200
    ended = service.logged_in(name, PASSWORD)
    (session,) = ended.members(SESSIONS)
    assert ended.delete(session).status_code == 204
    assert ended.get(path).status_code == 401
    assert ended.login(name, PASSWORD).status_code == 201, "a token of old keeps nobody from logging in"
    client.delete(uri)


def test_who_asks_for_everything_without_credentials_gets_links(service: RedfishService) -> None:
    found = service.client(None).body(f"{ROOT}?$expand=*($levels=3)")
    assert found["Storage"] == {"@odata.id": f"{ROOT}/Storage"}


def test_the_roles_are_the_standards_and_stay(client: RedfishClient) -> None:
    assert client.members(ROLES) == [f"{ROLES}/{role}" for role in ("Administrator", "Operator", "ReadOnly")]
    for uri in client.members(ROLES):
        role = client.body(uri)
        assert role["IsPredefined"] is True and "Login" in role["AssignedPrivileges"]
        for answer in (client.patch(uri, {"AssignedPrivileges": []}), client.delete(uri)):
            assert answer.status_code == 405
            assert answer.headers["Allow"] == "GET, HEAD"
    assert client.post(ROLES, {"RoleId": "Mine"}).status_code == 405
    assert client.get(f"{ROLES}/Mine").status_code == 404


def test_the_privilege_map_is_where_the_account_service_says(client: RedfishClient) -> None:
    registry = client.body(client.body(f"{ROOT}/AccountService")["PrivilegeMap"]["@odata.id"])
    assert registry["@odata.type"].startswith("#PrivilegeRegistry.")
    assert "Volume" in {mapping["Entity"] for mapping in registry["Mappings"]}


def test_a_reader_changes_nobody_not_even_its_own_role(
    service: RedfishService, client: RedfishClient, tenants: dict[str, str]
) -> None:
    other, mine = account(client, "other"), account(client, "mine")
    own = service.client("mine", PASSWORD)
    for uri in (other["@odata.id"], client.members(ACCOUNTS)[0]):
        assert own.patch(uri, {"Password": OTHER}).status_code in (403, 404)
        assert own.delete(uri).status_code == 403
    for changes in (
        {"RoleId": "Administrator"},
        {"Enabled": True},
        {"Locked": False},
        {"PasswordChangeRequired": True},
    ):
        refused = own.patch(mine["@odata.id"], changes)
        assert (refused.status_code, code(refused)) == (403, "InsufficientPrivilege")
    assert own.post(ACCOUNTS, {"UserName": "more", "Password": PASSWORD, "RoleId": "ReadOnly"}).status_code == 403
    assert service.client("other", PASSWORD).get(SESSIONS).status_code == 200
    assert own.patch(mine["@odata.id"], {"Password": OTHER}).status_code == 200
    assert service.client("mine", OTHER).get(SESSIONS).status_code == 200
    for made in (other, mine):
        assert client.delete(made["@odata.id"]).status_code == 204


def test_a_manager_makes_accounts_of_the_own_tenant_only(
    service: RedfishService, client: RedfishClient, tenants: dict[str, str]
) -> None:
    manager = service.client("blue-manager", PASSWORD)
    made = account(manager, "blue-newcomer", "Operator")
    uri = made["@odata.id"]
    new = service.client("blue-newcomer", PASSWORD)
    assert new.members(f"{ROOT}/StorageServices") == [f"{ROOT}/StorageServices/{tenants['blue']}"]
    assert new.post(ACCOUNTS, {"UserName": "x", "Password": PASSWORD, "RoleId": "ReadOnly"}).status_code == 403
    refused = manager.post(ACCOUNTS, {"UserName": "x", "Password": PASSWORD, "RoleId": "Administrator"})
    assert (refused.status_code, code(refused)) == (403, "InsufficientPrivilege")
    assert manager.patch(uri, {"RoleId": "Administrator"}).status_code == 403
    assert manager.patch(uri, {"RoleId": "ReadOnly"}).json()["RoleId"] == "ReadOnly"
    seen = set(manager.members(ACCOUNTS))
    everybody = {client.body(one)["UserName"]: one for one in client.members(ACCOUNTS)}
    assert seen == {one for name, one in everybody.items() if name.startswith("blue-")}
    for name in ("red-member", ADMINISTRATOR):
        answers = (
            manager.get(everybody[name]),
            manager.patch(everybody[name], {"Password": OTHER}),
            manager.delete(everybody[name]),
        )
        assert [answer.status_code for answer in answers] == [404, 404, 404], name
    assert manager.delete(uri).status_code == 204


def test_a_manager_reaches_no_further_than_the_own_tenant(
    service: RedfishService, client: RedfishClient, tenants: dict[str, str]
) -> None:
    bound = {"name": "blue-chief", "tenant": tenants["blue"], "roles": ["manager"], "password": PASSWORD}
    own = service.make("/v1/users", bound)["id"]
    administrator, chief = service.logged_in("blue-chief", PASSWORD), service.logged_in()
    assert administrator.members(f"{ROOT}/StorageServices") == [f"{ROOT}/StorageServices/{tenants['blue']}"]
    (theirs,) = (uri for uri in client.members(SESSIONS) if client.get(uri).json()["UserName"] == ADMINISTRATOR)
    (mine,) = administrator.members(SESSIONS)
    assert mine != theirs
    assert administrator.get(theirs).status_code == administrator.delete(theirs).status_code == 404
    assert chief.get(theirs).status_code == 200
    assert administrator.patch(SESSION_SERVICE, {"SessionTimeout": 60}).status_code == 403
    names = {administrator.body(uri)["UserName"] for uri in administrator.members(ACCOUNTS)}
    assert names >= {"blue-manager", "blue-chief"}
    assert not names & {ADMINISTRATOR, "red-manager"}
    hidden = set(client.members(ACCOUNTS)) - set(administrator.members(ACCOUNTS))
    assert {administrator.get(uri).status_code for uri in hidden} == {404}
    for made_by in (administrator, service.client("blue-chief", PASSWORD)):
        made = account(made_by, f"of-{len(names)}")
        assert made["@odata.id"] not in hidden
        assert administrator.delete(made["@odata.id"]).status_code == 204
    shown = client.body(f"{ACCOUNTS}/{own}")
    assert shown["RoleId"] == "Operator"
    refused = client.patch(f"{ACCOUNTS}/{own}", {"RoleId": "Administrator"})
    assert (refused.status_code, code(refused)) == (400, "PropertyValueNotInList")
    assert client.delete(f"{ACCOUNTS}/{own}").status_code == 204
    chief.delete(theirs)


def test_a_managers_role_survives_being_called_operator(
    service: RedfishService, client: RedfishClient, tenants: dict[str, str]
) -> None:
    uri = next(one for one in client.members(ACCOUNTS) if client.body(one)["UserName"] == "red-manager")
    assert client.patch(uri, {"RoleId": "Operator"}).json()["RoleId"] == "Operator"
    assert client.delete(account(service.client("red-manager", PASSWORD), "red-more")["@odata.id"]).status_code == 204


@pytest.mark.parametrize("role", ["Operator", "ReadOnly"])
def test_an_account_of_no_tenant_reaches_no_tenants_things(
    service: RedfishService, client: RedfishClient, tenants: dict[str, str], role: str
) -> None:
    uri = account(client, f"wanderer-{role}", role)["@odata.id"]
    wanderer = service.client(f"wanderer-{role}", PASSWORD)
    assert wanderer.members(f"{ROOT}/StorageServices") == []
    for tenant in tenants.values():
        home = f"{ROOT}/StorageServices/{tenant}"
        for path in (home, f"{home}/Volumes", f"{home}/Volumes/x"):
            assert wanderer.get(path).status_code == 404, path
        answer = wanderer.post(f"{home}/Volumes", {"Name": "x", "CapacityBytes": 1 << 20})
        assert answer.status_code in (400, 403, 404)
    assert wanderer.members(ACCOUNTS) == [uri]
    assert wanderer.post(ACCOUNTS, {"UserName": "x", "Password": PASSWORD, "RoleId": "ReadOnly"}).status_code == 403
    assert client.delete(uri).status_code == 204


def test_a_tenant_does_not_know_of_another(service: RedfishService, tenants: dict[str, str]) -> None:
    for role in ("manager", "member", "reader"):
        blue = service.client(f"blue-{role}", PASSWORD)
        foreign = f"{ROOT}/StorageServices/{tenants['red']}"
        for path in (foreign, f"{foreign}/Volumes", f"{foreign}/Volumes/x", f"{foreign}/ClassesOfService"):
            assert blue.get(path).status_code == 404, path
        assert blue.delete(f"{foreign}/Volumes/x").status_code in (403, 404)


def test_the_last_administrator_stays(service: RedfishService, client: RedfishClient) -> None:
    everybody = {client.body(one)["UserName"]: one for one in client.members(ACCOUNTS)}
    administrators = [uri for uri in everybody.values() if client.body(uri)["RoleId"] == "Administrator"]
    for uri in administrators:
        if uri != everybody[ADMINISTRATOR]:
            client.patch(uri, {"Enabled": False})
    refused = client.delete(everybody[ADMINISTRATOR])
    assert refused.status_code == 409
    assert client.patch(everybody[ADMINISTRATOR], {"RoleId": "ReadOnly"}).status_code == 409
    assert client.body(everybody[ADMINISTRATOR])["RoleId"] == "Administrator"
    for uri in administrators:
        client.patch(uri, {"Enabled": True})
    until(lambda: client.body(everybody[ADMINISTRATOR])["Enabled"])
