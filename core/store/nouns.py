"""The repositories: one for each noun, and the ways to find one by its name."""

from __future__ import annotations

from ..model.attachment import Attachment
from ..model.backend import Backend
from ..model.event import Event
from ..model.message import Message
from ..model.placement import Placement
from ..model.pool import Pool
from ..model.profile import Profile
from ..model.snapshot import Snapshot
from ..model.system import System
from ..model.tenant import Tenant, Token, User
from ..model.volume import Volume
from . import schema
from .hosts import HostRepository
from .lookup import Lookup
from .repository import Repository

tenants = Repository(schema.tenants, Tenant, "tenant")
users = Repository(schema.users, User, "user")
tokens = Repository(schema.tokens, Token, "token")
backends = Repository(schema.backends, Backend, "back end")
pools = Repository(schema.pools, Pool, "pool")
profiles = Repository(schema.profiles, Profile, "profile")
volumes = Repository(schema.volumes, Volume, "volume")
placements = Repository(schema.placements, Placement, "placement")
snapshots = Repository(schema.snapshots, Snapshot, "snapshot")
hosts = HostRepository()
attachments = Repository(schema.attachments, Attachment, "attachment")
messages = Repository(schema.messages, Message, "message")
events = Repository(schema.events, Event, "event")
systems = Repository(schema.systems, System, "system")

tenant_by_name = Lookup(tenants, "name")
user_by_name = Lookup(users, "name")
token_by_hash = Lookup(tokens, "hash")
backend_by_name = Lookup(backends, "name")
profile_by_name = Lookup(profiles, "name")
system_by_name = Lookup(systems, "name")
pools_of_backend = Lookup(pools, "backend")
placements_of_volume = Lookup(placements, "volume")
placements_of_backend = Lookup(placements, "backend")
snapshots_of_volume = Lookup(snapshots, "volume")
attachments_of_volume = Lookup(attachments, "volume")
attachments_of_host = Lookup(attachments, "host")
