"""What an installation has from its first start: a tenant, an administrator, a default profile, a CA, a signing key."""

from __future__ import annotations

import secrets as randomness
from collections.abc import Callable
from dataclasses import dataclass, field

from sqlalchemy.exc import IntegrityError

from ..errors import Misconfigured
from ..model.identity import new_id, now
from ..model.system import LOCAL, local_system
from ..model.tenant import Role, Tenant, Token, User
from ..profiles.default import default_profile
from ..security.authority import Credential, make_authority
from ..security.sealing import Sealer
from ..security.tokens import new_token, token_hash
from ..store import nouns, secrets
from ..store.database import Database, Tx
from .collection import named

INSTALLATION = "installation"
DEFAULT_TENANT = "default"
ADMINISTRATOR = "admin"
ADMIN = Role.ADMIN.value


@dataclass(frozen=True, slots=True)
class Prepared:
    """`token` is the administrator's, on the first start only; it is nowhere else and must be handed over now."""

    signer: bytes = field(repr=False)
    authority: Credential = field(repr=False)
    token: str | None = field(repr=False)


def prepare(database: Database, sealer: Sealer) -> Prepared:
    """Make what is missing, in one transaction; idempotent, and safe when several servers start at once."""
    try:
        return database.change(lambda tx: _prepare(tx, sealer), durable=True)
    except IntegrityError:
        # Another server made the first start in this very moment; what it made is there now.
        return database.change(lambda tx: _prepare(tx, sealer), durable=True)


def new_administrator_token(database: Database) -> str:
    """Another token for an administrator, for when the first one is lost; raises `Misconfigured` without one."""
    return database.change(_token, durable=True)


def _prepare(tx: Tx, sealer: Sealer) -> Prepared:
    moment = now()
    token = None
    # Not asked by the administrator's name: that user may have given way to others.
    if not nouns.users.where(tx, limit=1):
        nouns.tenants.insert(tx, Tenant(new_id(), DEFAULT_TENANT, moment, moment, description="Made at first start."))
        nouns.users.insert(
            tx, User(new_id(), ADMINISTRATOR, None, (Role.ADMIN.value,), moment, moment), password=None, failures=0
        )
        profile = default_profile(new_id(), moment)
        nouns.profiles.insert(tx, profile)
        token = _token(tx)
    if nouns.system_by_name.find(tx, LOCAL) is None:
        nouns.systems.insert(tx, local_system(new_id(), moment))
    return Prepared(
        signer=_kept(tx, sealer, "signer", lambda: randomness.token_bytes(32)),
        authority=_authority(tx, sealer),
        token=token,
    )


def _token(tx: Tx) -> str:
    table = nouns.users.table
    found = nouns.users.where(tx, table.c.tenant.is_(None), table.c.enabled.is_(True), named(table.c.roles, ADMIN))
    user = next((known for known in found if known.name == ADMINISTRATOR), found[0] if found else None)
    if user is None:
        raise Misconfigured("There is no administrator in the database.", next_step="Restore it from a backup.")
    text = new_token()
    nouns.tokens.insert(
        tx, Token(new_id(), user.id, None, (Role.ADMIN.value,), "first start", now()), hash=token_hash(text)
    )
    return text


def _authority(tx: Tx, sealer: Sealer) -> Credential:
    def make() -> bytes:
        credential = make_authority()
        return credential.certificate + b"\x00" + credential.key

    certificate, _, key = _kept(tx, sealer, "authority", make).partition(b"\x00")
    return Credential(certificate, key)


def _kept(tx: Tx, sealer: Sealer, name: str, make: Callable[[], bytes]) -> bytes:
    sealed = secrets.get(tx, INSTALLATION, name)
    if sealed is not None:
        return sealer.open(INSTALLATION, sealed)
    value = make()
    secrets.put(tx, INSTALLATION, name, sealer.seal(INSTALLATION, value))
    return value
