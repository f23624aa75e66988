"""The account service: what holds for all accounts (DSP0266, Account service). Nothing of it can be changed here."""

from __future__ import annotations

from ....core.model.tenant import LOCKOUT_SECONDS, LOCKOUT_THRESHOLD, LONGEST_PASSWORD, SHORTEST_PASSWORD
from .. import uris
from ..protocol.resource import Property, Resource
from ..uris import link

ACCOUNT_SERVICE = Resource(
    type="AccountService",
    version="v1_18_1",
    path=uris.ACCOUNT_SERVICE,
    load=lambda request: None,
    name=lambda noun, request: "Account service",
    properties=(
        Property("ServiceEnabled", lambda noun, request: True),
        Property("Status", lambda noun, request: {"State": "Enabled", "Health": "OK"}),
        Property("LocalAccountAuth", lambda noun, request: "Enabled"),
        # Whoever reads this came over TLS; over plain HTTP no credentials are taken at all.
        Property("HTTPBasicAuth", lambda noun, request: "Enabled"),
        Property("SupportedAccountTypes", lambda noun, request: ["Redfish"]),
        Property("MinPasswordLength", lambda noun, request: SHORTEST_PASSWORD),
        Property("MaxPasswordLength", lambda noun, request: LONGEST_PASSWORD),
        # The first wait; each further wrong password doubles it, which no property can say.
        Property("AccountLockoutThreshold", lambda noun, request: LOCKOUT_THRESHOLD),
        Property("AccountLockoutDuration", lambda noun, request: LOCKOUT_SECONDS),
        Property("Accounts", lambda noun, request: link(uris.ACCOUNTS)),
        Property("Roles", lambda noun, request: link(uris.ROLES)),
        Property("PrivilegeMap", lambda noun, request: link(uris.PRIVILEGE_REGISTRY)),
    ),
)

SERVED = (ACCOUNT_SERVICE,)
