"""What adapters that offer it promise to those who run an installation."""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import Any

import pytest

from isthmus.core.errors import (
    Conflict,
    Forbidden,
    InUse,
    Invalid,
    Misconfigured,
    NotFound,
    PasswordChangeRequired,
    Stale,
    Unauthenticated,
    Unavailable,
)
from isthmus.core.model.backend import BackendState, Health
from isthmus.core.model.request import (
    BackendRequest,
    Changes,
    Credential,
    ProfileRequest,
    SystemRequest,
    TenantRequest,
    TokenRequest,
    UserRequest,
)
from isthmus.core.model.system import LOCAL, SystemState
from tests.contract.adapters.storage import Bench

PASSWORD = "a long enough phrase"


def fresh(name: str) -> str:
    return f"{name}-{uuid.uuid4().hex[:8]}"


class AdministrationSuite:
    """The promises of `Administration` and `Adapter`.

    The fixture `reachable` is a system that answers, with its right token among the secrets; its name is not used yet.
    """

    def administration(self, bench: Bench) -> Any:
        return bench.adapter.administration(bench.administrator)

    def test_a_token_says_who_it_is_until_it_is_revoked(self, bench: Bench) -> None:
        tokens = self.administration(bench).tokens
        token, text = tokens.create(TokenRequest(fresh("script"), user=bench.member.user))
        context = bench.adapter.authenticate(Credential(token=text))
        assert (context.user, context.tenant) == (bench.member.user, bench.member.tenant)
        tokens.revoke(token.id)
        tokens.revoke(token.id)
        with pytest.raises(Unauthenticated):
            bench.adapter.authenticate(Credential(token=text))

    def test_a_password_works_until_it_is_changed(self, bench: Bench) -> None:
        users, name = self.administration(bench).users, fresh("anna")
        user = users.create(UserRequest(name, bench.member.tenant, ("member",), PASSWORD))
        assert bench.adapter.authenticate(Credential(user=name, password=PASSWORD)).user == user.id
        users.update(user.id, Changes(password="another long phrase"))
        with pytest.raises(Unauthenticated):
            bench.adapter.authenticate(Credential(user=name, password=PASSWORD))
        assert bench.adapter.authenticate(Credential(user=name, password="another long phrase"))

    def test_who_must_change_the_password_may_do_nothing_else_before(self, bench: Bench) -> None:
        users, name = self.administration(bench).users, fresh("anna")
        user = users.create(UserRequest(name, bench.member.tenant, ("manager",), PASSWORD, must_change_password=True))
        assert user.must_change_password
        before = bench.adapter.authenticate(Credential(user=name, password=PASSWORD))
        theirs = bench.adapter.administration(before)
        for refused in (
            lambda: bench.adapter.storage(before).volumes.list(),
            lambda: bench.adapter.storage(before).profiles.list(),
            lambda: theirs.users.get(bench.member.user),
            lambda: theirs.users.create(UserRequest(fresh("more"), bench.member.tenant, ("member",))),
            lambda: theirs.users.update(user.id, Changes(must_change_password=False)),
            lambda: theirs.users.update(user.id, Changes(password=PASSWORD, roles=("manager",))),
            lambda: theirs.users.delete(user.id),
        ):
            with pytest.raises(PasswordChangeRequired, match="password"):
                refused()
        assert theirs.users.get(user.id).id == user.id
        assert [one.id for one in theirs.users.list().items] == [user.id]
        assert not theirs.users.update(user.id, Changes(password="another long phrase")).must_change_password
        after = bench.adapter.authenticate(Credential(user=name, password="another long phrase"))
        assert after.roles == {"manager"}
        assert bench.adapter.storage(after).volumes.list() is not None

    def test_a_token_from_before_the_change_of_the_password_is_worth_nothing_after_it(self, bench: Bench) -> None:
        users, tokens, name = self.administration(bench).users, self.administration(bench).tokens, fresh("anna")
        user = users.create(UserRequest(name, bench.member.tenant, ("manager",), PASSWORD))
        _, whole = tokens.create(TokenRequest(fresh("whole"), user=user.id))
        users.update(user.id, Changes(must_change_password=True))
        with pytest.raises(PasswordChangeRequired):
            bench.adapter.storage(bench.adapter.authenticate(Credential(token=whole))).volumes.list()
        context = bench.adapter.authenticate(Credential(user=name, password=PASSWORD))
        _, lent = bench.adapter.administration(context).tokens.create(TokenRequest(fresh("lent")))
        there = bench.adapter.authenticate(Credential(token=lent))
        bench.adapter.administration(there).users.update(user.id, Changes(password="another long phrase"))
        with pytest.raises(Unauthenticated):
            bench.adapter.authenticate(Credential(token=lent))
        assert bench.adapter.authenticate(Credential(token=whole)).roles == {"manager"}

    def test_a_token_with_less_than_its_user_does_not_win_the_rest_by_setting_the_password(self, bench: Bench) -> None:
        users, tokens, name = self.administration(bench).users, self.administration(bench).tokens, fresh("anna")
        user = users.create(UserRequest(name, bench.member.tenant, ("manager", "reader"), PASSWORD))
        _, text = tokens.create(TokenRequest(fresh("less"), user=user.id, roles=("reader",)))
        for must_change in (False, True):
            users.update(user.id, Changes(must_change_password=must_change))
            context = bench.adapter.authenticate(Credential(token=text))
            with pytest.raises(Forbidden):
                bench.adapter.administration(context).users.update(user.id, Changes(password="another long phrase"))

    def test_a_user_may_be_made_disabled_and_let_in_later(self, bench: Bench) -> None:
        users, name = self.administration(bench).users, fresh("dora")
        user = users.create(UserRequest(name, bench.member.tenant, ("reader",), PASSWORD, enabled=False))
        assert not user.enabled
        with pytest.raises(Unauthenticated):
            bench.adapter.authenticate(Credential(user=name, password=PASSWORD))
        users.update(user.id, Changes(enabled=True))
        assert bench.adapter.authenticate(Credential(user=name, password=PASSWORD)).user == user.id

    def test_everybody_reads_the_own_account_and_managers_all_of_their_tenant(self, bench: Bench) -> None:
        users, name = self.administration(bench).users, fresh("bert")
        user = users.create(UserRequest(name, bench.member.tenant, ("reader",), PASSWORD))
        theirs = bench.adapter.administration(bench.adapter.authenticate(Credential(user=name, password=PASSWORD)))
        assert theirs.users.get(user.id).name == name
        assert [one.id for one in theirs.users.list().items] == [user.id]
        with pytest.raises(Forbidden):
            theirs.users.get(bench.member.user)
        seen = {one.id for one in bench.adapter.administration(bench.member).users.list().items}
        assert {user.id, bench.member.user} <= seen

    def test_wrong_passwords_lock_until_an_administrator_unlocks(self, bench: Bench) -> None:
        users, name = self.administration(bench).users, fresh("carl")
        user = users.create(UserRequest(name, bench.member.tenant, ("reader",), PASSWORD))
        for _ in range(5):
            with pytest.raises(Unauthenticated):
                bench.adapter.authenticate(Credential(user=name, password="not the phrase"))
        assert users.get(user.id).locked_until is not None
        with pytest.raises(Unauthenticated):
            bench.adapter.authenticate(Credential(user=name, password=PASSWORD))
        assert users.update(user.id, Changes(unlock=True)).locked_until is None
        assert bench.adapter.authenticate(Credential(user=name, password=PASSWORD)).user == user.id

    @pytest.mark.parametrize("credential", [Credential(), Credential(token="ist_wrong"), Credential(token="")])
    def test_nobody_is_nobody(self, bench: Bench, credential: Credential) -> None:
        with pytest.raises(Unauthenticated):
            bench.adapter.authenticate(credential)

    def test_a_disabled_tenant_and_a_deleted_user_are_out_at_once(self, bench: Bench) -> None:
        administration = self.administration(bench)
        tenant = administration.tenants.create(TenantRequest(fresh("t")))
        user = administration.users.create(UserRequest(fresh("u"), tenant.id, ("member",)))
        _, text = administration.tokens.create(TokenRequest("t", user=user.id))
        bench.adapter.authenticate(Credential(token=text))
        administration.tenants.update(tenant.id, Changes(enabled=False))
        with pytest.raises(Unauthenticated):
            bench.adapter.authenticate(Credential(token=text))
        administration.tenants.update(tenant.id, Changes(enabled=True))
        bench.adapter.authenticate(Credential(token=text))
        administration.users.delete(user.id)
        with pytest.raises(Unauthenticated):
            bench.adapter.authenticate(Credential(token=text))
        administration.tenants.delete(tenant.id)
        with pytest.raises(NotFound):
            administration.tenants.get(tenant.id)

    def test_members_do_not_administer(self, bench: Bench) -> None:
        administration = bench.adapter.administration(bench.member)
        with pytest.raises(Forbidden):
            administration.tenants.create(TenantRequest(fresh("mine")))
        with pytest.raises(Forbidden):
            administration.users.create(UserRequest(fresh("me"), bench.member.tenant, ("admin",)))
        with pytest.raises(Forbidden):
            administration.backends.add(BackendRequest(fresh("mine"), "memory"))
        with pytest.raises(Forbidden):
            bench.storage.profiles.create(ProfileRequest(fresh("mine")))
        with pytest.raises(Forbidden):
            administration.doctor()

    def test_a_tenant_that_owns_something_stays(self, bench: Bench) -> None:
        from isthmus.core.model.request import HostRequest

        host = bench.storage.hosts.create(HostRequest("mine"))
        with pytest.raises(InUse):
            self.administration(bench).tenants.delete(str(bench.member.tenant))
        bench.adapter.storage(bench.administrator).hosts.delete(host.id)

    def test_back_ends_are_tested_added_disabled_and_removed(self, bench: Bench) -> None:
        backends, name = self.administration(bench).backends, fresh("array")
        wanted = BackendRequest(name, "memory", {"pools": [{"name": "p", "total": 1 << 30}]})
        trial = backends.test(wanted)
        assert trial.ok and "snapshot" in trial.abilities
        with pytest.raises(NotFound):
            backends.get(name)
        added = backends.add(wanted)
        assert backends.get(name).id == added.id
        assert backends.test(name).ok
        with pytest.raises(Conflict):
            backends.add(wanted)
        assert backends.update(name, Changes(enabled=False)).state is BackendState.DISABLED
        pools = bench.adapter.storage(bench.administrator).pools
        assert {pool.state.value for pool in pools.list().items if pool.backend == added.id} == {"disabled"}
        backends.remove(name)
        assert not [pool for pool in pools.list().items if pool.backend == added.id]

    def test_a_wrong_configuration_is_refused_with_what_is_wrong(self, bench: Bench) -> None:
        backends = self.administration(bench).backends
        with pytest.raises(Invalid, match="no-such-driver"):
            backends.add(BackendRequest(fresh("x"), "no-such-driver"))
        with pytest.raises(Invalid):
            backends.add(BackendRequest(fresh("x"), "memory", {"colour": "red"}))
        with pytest.raises(Invalid):
            backends.add(BackendRequest(fresh("x"), "memory", secrets={"password": "x"}))

    def test_systems_are_tested_added_changed_and_removed(self, bench: Bench, reachable: SystemRequest) -> None:
        systems, name = self.administration(bench).systems, reachable.name
        trial = systems.test(reachable)
        assert trial.ok and "volumes" in trial.abilities
        with pytest.raises(NotFound):
            systems.get(name)
        added = systems.add(reachable)
        assert (added.name, added.state, added.health) == (name, SystemState.ENABLED, Health.HEALTHY)
        assert added.product and "volumes" in added.offers
        assert systems.get(name).id == systems.get(added.id).id == added.id
        assert {LOCAL, name} <= {system.name for system in systems.list().items}
        assert systems.test(name).ok
        with pytest.raises(Conflict):
            systems.add(reachable)
        other = fresh("renamed")
        changed = systems.update(name, Changes(name=other, metadata={"site": "b"}))
        assert (changed.id, changed.name, changed.metadata) == (added.id, other, {"site": "b"})
        with pytest.raises(Stale):
            systems.update(other, Changes(name="late"), if_version=added.version)
        with pytest.raises(Stale):
            systems.remove(other, if_version=added.version)
        systems.remove(other)
        with pytest.raises(NotFound):
            systems.get(added.id)

    def test_a_system_that_does_not_serve_is_not_added(self, bench: Bench, reachable: SystemRequest) -> None:
        systems = self.administration(bench).systems
        mistaken = replace(reachable, secrets={"token": "ist_not-the-token"})
        silent = replace(reachable, address="http://127.0.0.1:1")
        for wanted, error in ((mistaken, Misconfigured), (silent, Unavailable)):
            trial = systems.test(wanted)
            assert not trial.ok and trial.reason
            with pytest.raises(error):
                systems.add(wanted)
            with pytest.raises(NotFound):
                systems.get(reachable.name)

    def test_a_wrong_system_is_refused_with_what_is_wrong(self, bench: Bench, reachable: SystemRequest) -> None:
        systems = self.administration(bench).systems
        for wrong, said in (
            (replace(reachable, adapter="no-such-adapter"), "no-such-adapter"),
            (replace(reachable, adapter=LOCAL), "local"),
            (replace(reachable, settings={"colour": "red"}), "colour"),
            (replace(reachable, settings={"token": "open"}), "secret"),
            (replace(reachable, secrets={"nonsense": "x"}), "nonsense"),
            (replace(reachable, secrets={}), "credential"),
            (replace(reachable, address="https://root:swordfish@storage.example"), "credential"),
            (replace(reachable, address="http://storage.example"), "address"),
            (replace(reachable, name="a/b"), "name"),
        ):
            with pytest.raises(Invalid, match=said) as refused:
                systems.add(wrong)
            assert "swordfish" not in str(refused.value.to_json())
        with pytest.raises(Conflict):
            systems.add(replace(reachable, name=LOCAL))

    def test_a_change_that_would_cut_a_system_off_is_refused(self, bench: Bench, reachable: SystemRequest) -> None:
        systems, name = self.administration(bench).systems, reachable.name
        before = systems.add(reachable)
        with pytest.raises(Misconfigured):
            systems.update(name, Changes(secrets={"token": "ist_not-the-token"}))
        elsewhere, secrets = "http://127.0.0.1:1", reachable.secrets
        with pytest.raises(Unavailable):
            systems.update(name, Changes(address=elsewhere, secrets=secrets))
        # A secret that was given for one address is not sent to another.
        with pytest.raises(Invalid):
            systems.update(name, Changes(address=elsewhere))
        with pytest.raises(Invalid):
            systems.update(name, Changes(secrets={"token": None}))
        assert systems.get(name).address == before.address
        assert systems.test(name).ok
        disabled = systems.update(name, Changes(enabled=False))
        assert (disabled.state, disabled.health) == (SystemState.DISABLED, Health.UNKNOWN)
        # Nobody asks a disabled one, so it can be prepared for what is to come.
        assert systems.update(name, Changes(address=elsewhere, secrets=secrets)).address == elsewhere
        back = Changes(address=before.address, secrets=secrets, enabled=True)
        assert systems.update(name, back).health is Health.HEALTHY
        systems.remove(name)

    def test_a_system_keeps_its_secrets_to_itself(self, bench: Bench, reachable: SystemRequest) -> None:
        systems, token = self.administration(bench).systems, reachable.secrets["token"]
        added = systems.add(reachable)
        shown = [added, systems.get(added.id), systems.update(added.id, Changes(secrets={"token": token}))]
        assert token not in repr((shown, systems.list().items, reachable))
        systems.remove(added.id)

    def test_the_local_system_stays_as_it_is(self, bench: Bench) -> None:
        systems = self.administration(bench).systems
        local = systems.get(LOCAL)
        assert local.adapter == LOCAL
        assert systems.test(LOCAL).ok
        for changes in (Changes(name="mine"), Changes(enabled=False), Changes(address="https://storage.example")):
            with pytest.raises(Conflict):
                systems.update(LOCAL, changes)
        with pytest.raises(Conflict):
            systems.remove(LOCAL)
        assert systems.update(LOCAL, Changes(metadata={"room": "7"})).metadata == {"room": "7"}

    def test_members_do_not_manage_systems(self, bench: Bench, reachable: SystemRequest) -> None:
        systems = bench.adapter.administration(bench.member).systems
        for refused in (
            lambda: systems.add(reachable),
            lambda: systems.test(reachable),
            lambda: systems.test(LOCAL),
            lambda: systems.update(LOCAL, Changes(metadata={})),
            lambda: systems.remove(LOCAL),
            lambda: systems.list(),
        ):
            with pytest.raises(Forbidden):
                refused()

    def test_profiles_are_checked_and_say_what_is_not_enforced(self, bench: Bench) -> None:
        profiles = bench.adapter.storage(bench.administrator).profiles
        limits = {"provisioningProperties": {"ioConnectivity": {"maxIOPS": 1000}}}
        made = profiles.create(ProfileRequest(fresh("limited"), limits))
        assert made.unenforced
        with pytest.raises(Invalid):
            profiles.create(ProfileRequest(fresh("wrong"), {"colour": "red"}))
        with pytest.raises(Conflict):
            profiles.create(ProfileRequest(made.name))
        profiles.delete(made.name)
        with pytest.raises(NotFound):
            profiles.get(made.name)

    def test_a_profile_in_use_stays(self, bench: Bench) -> None:
        from tests.contract.adapters.storage import StorageSuite

        StorageSuite().volume(bench, fresh("keeps"))
        with pytest.raises(InUse):
            bench.adapter.storage(bench.administrator).profiles.delete(bench.profile)

    def test_doctor_finds_a_sound_installation_sound(self, bench: Bench) -> None:
        wrong = [finding for finding in self.administration(bench).doctor() if finding.level == "error"]
        assert wrong == []
