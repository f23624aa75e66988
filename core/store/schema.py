"""The tables. Ids are text, times integer microseconds, documents JSON text; sizes are bytes."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, Float, Index, Integer, LargeBinary, MetaData, String, Table, Text
from sqlalchemy import text as sql

from .columns import Json, Moment, Names

metadata = MetaData(
    naming_convention={"ix": "ix_%(table_name)s_%(column_0_N_name)s", "uq": "uq_%(table_name)s_%(column_0_N_name)s"}
)


def _id(name: str, **options: Any) -> Column[str]:
    return Column(name, String(64), **options)


def _text(name: str, length: int = 255, **options: Any) -> Column[str]:
    return Column(name, String(length), nullable=False, default="", **options)


def _bytes(name: str, **options: Any) -> Column[int]:
    return Column(name, BigInteger, nullable=False, default=0, **options)


def _json(name: str) -> Column[Any]:
    return Column(name, Json, nullable=False, default=dict)


def _life() -> list[Column[Any]]:
    """What every managed resource has: when it came, when it changed, how often, and its owner's notes."""
    return [
        Column("created_at", Moment, nullable=False),
        Column("updated_at", Moment, nullable=False),
        Column("version", Integer, nullable=False, default=1),
        _json("metadata"),
    ]


tenants = Table(
    "tenants",
    metadata,
    _id("id", primary_key=True),
    _text("name", unique=True),
    Column("enabled", Boolean, nullable=False, default=True),
    Column("description", Text, nullable=False, default=""),
    *_life(),
)

users = Table(
    "users",
    metadata,
    _id("id", primary_key=True),
    _text("name", unique=True),
    _id("tenant", nullable=True, index=True),
    Column("roles", Names, nullable=False),
    Column("enabled", Boolean, nullable=False, default=True),
    Column("has_password", Boolean, nullable=False, default=False),
    Column("must_change_password", Boolean, nullable=False, default=False),
    Column("password", Text, nullable=True),
    Column("failures", Integer, nullable=False, default=0),
    Column("last_failure", Moment, nullable=True),
    Column("locked_until", Moment, nullable=True),
    *_life(),
)

tokens = Table(
    "tokens",
    metadata,
    _id("id", primary_key=True),
    Column("hash", String(64), nullable=False, unique=True),
    _id("user", nullable=False, index=True),
    _id("tenant", nullable=True),
    Column("roles", Names, nullable=False),
    _text("name"),
    Column("created_at", Moment, nullable=False),
    Column("expires_at", Moment, nullable=True),
)

backends = Table(
    "backends",
    metadata,
    _id("id", primary_key=True),
    _text("name", unique=True),
    _text("driver"),
    _text("state", 32),
    _text("health", 32),
    Column("health_reason", Text, nullable=False, default=""),
    Column("node", String(255), nullable=True),
    Column("zone", String(255), nullable=True),
    Column("abilities", Names, nullable=False),
    _json("settings"),
    *_life(),
)

pools = Table(
    "pools",
    metadata,
    _id("id", primary_key=True),
    _id("backend", nullable=False),
    _text("name"),
    _text("state", 32),
    Column("zone", String(255), nullable=True),
    _bytes("total"),
    _bytes("used"),
    _bytes("ours"),
    _bytes("provisioned"),
    _bytes("granularity"),
    Column("thin", Boolean, nullable=False),
    Column("thick", Boolean, nullable=False),
    Column("ratio", Float, nullable=False),
    Column("reserve", Float, nullable=False),
    Column("protocols", Names, nullable=False),
    Column("abilities", Names, nullable=False),
    _json("capabilities"),
    Column("reason", Text, nullable=False, default=""),
    *_life(),
    Index("uq_pools_backend_name", "backend", "name", unique=True),
)

profiles = Table(
    "profiles",
    metadata,
    _id("id", primary_key=True),
    _text("name", unique=True),
    _text("storage_type", 32),
    Column("description", Text, nullable=False, default=""),
    Column("is_default", Boolean, nullable=False, default=False),
    Column("tenants", Names, nullable=False),
    Column("unenforced", Names, nullable=False),
    _json("properties"),
    *_life(),
)

volumes = Table(
    "volumes",
    metadata,
    _id("id", primary_key=True),
    _id("tenant", nullable=False),
    _text("name"),
    _bytes("size"),
    _id("profile", nullable=False, index=True),
    _text("state", 32),
    _text("protocol", 32),
    Column("description", Text, nullable=False, default=""),
    Column("zone", String(255), nullable=True),
    _id("placement", nullable=True),
    _id("pool", nullable=True, index=True),
    Column("identifier", String(255), nullable=True, index=True),
    _id("source_volume", nullable=True, index=True),
    _id("source_snapshot", nullable=True, index=True),
    _id("operation", nullable=True),
    _json("protection"),
    *_life(),
    Index("ix_volumes_tenant_created_at_id", "tenant", "created_at", "id"),
    Index("ix_volumes_tenant_name_id", "tenant", "name", "id"),
    Index("ix_volumes_tenant_size_id", "tenant", "size", "id"),
    Index("ix_volumes_created_at_id", "created_at", "id"),
    Index("ix_volumes_name_id", "name", "id"),
    Index("ix_volumes_size_id", "size", "id"),
)

placements = Table(
    "placements",
    metadata,
    _id("id", primary_key=True),
    _id("volume", nullable=False, index=True),
    _id("pool", nullable=False, index=True),
    _id("backend", nullable=False, index=True),
    _text("role", 32),
    _bytes("size"),
    Column("thin", Boolean, nullable=False),
    _text("identifier"),
    Column("created_at", Moment, nullable=False),
    _json("reference"),
)

snapshots = Table(
    "snapshots",
    metadata,
    _id("id", primary_key=True),
    _id("tenant", nullable=False),
    _id("volume", nullable=False, index=True),
    _text("name"),
    _bytes("size"),
    _text("state", 32),
    Column("description", Text, nullable=False, default=""),
    _id("placement", nullable=True),
    _id("pool", nullable=True, index=True),
    _bytes("reserved"),
    _id("operation", nullable=True),
    _json("reference"),
    *_life(),
    Index("ix_snapshots_tenant_created_at_id", "tenant", "created_at", "id"),
    Index("ix_snapshots_tenant_name_id", "tenant", "name", "id"),
    Index("ix_snapshots_tenant_size_id", "tenant", "size", "id"),
    Index("ix_snapshots_created_at_id", "created_at", "id"),
    Index("ix_snapshots_name_id", "name", "id"),
    Index("ix_snapshots_size_id", "size", "id"),
)

hosts = Table(
    "hosts",
    metadata,
    _id("id", primary_key=True),
    _id("tenant", nullable=True),
    _text("name"),
    _text("os_type"),
    Column("address", String(255), nullable=True),
    *_life(),
    Index("ix_hosts_tenant_name_id", "tenant", "name", "id"),
    Index("ix_hosts_tenant_created_at_id", "tenant", "created_at", "id"),
    Index("ix_hosts_created_at_id", "created_at", "id"),
    Index("ix_hosts_name_id", "name", "id"),
)

initiators = Table(
    "initiators",
    metadata,
    Column("protocol", String(32), primary_key=True),
    Column("name", String(255), primary_key=True),
    _id("host", nullable=False, index=True),
)

attachments = Table(
    "attachments",
    metadata,
    _id("id", primary_key=True),
    _id("tenant", nullable=False),
    _id("volume", nullable=False, index=True),
    _id("host", nullable=False, index=True),
    _text("mode", 8),
    _text("state", 32),
    _text("protocol", 32),
    Column("shared", Boolean, nullable=False, default=False),
    _id("operation", nullable=True),
    _json("connection"),
    Column("chap_user", String(255), nullable=True, unique=True),
    *_life(),
    Index("uq_attachments_volume_host", "volume", "host", unique=True),
    Index("ix_attachments_tenant_created_at_id", "tenant", "created_at", "id"),
    Index("ix_attachments_created_at_id", "created_at", "id"),
)

operations = Table(
    "operations",
    metadata,
    _id("id", primary_key=True),
    _text("kind", 128),
    Column("flow_version", Integer, nullable=False, default=1),
    _text("resource_type", 64),
    _id("resource", nullable=True, index=True),
    _id("tenant", nullable=True),
    _text("user"),
    _text("request_id", index=True),
    _text("state", 32),
    Column("step", String(128), nullable=True),
    Column("undoing", Boolean, nullable=False, default=False),
    Column("progress", Float, nullable=False, default=0.0),
    Column("note", Text, nullable=False, default=""),
    Column("cancel_requested", Boolean, nullable=False, default=False),
    _id("parent", nullable=True, index=True),
    _id("waits_for", nullable=True),
    Column("idempotency_scope", String(255), nullable=True),
    Column("idempotency_key", String(255), nullable=True),
    Column("request_hash", String(64), nullable=True),
    Column("context", Json, nullable=False),
    _json("data"),
    Column("error", Json, nullable=True),
    _json("result"),
    Column("explanation", Json, nullable=True),
    Column("node", String(255), nullable=True),
    Column("owner", String(255), nullable=True),
    Column("epoch", Integer, nullable=False, default=0),
    Column("lease_until", BigInteger, nullable=False, default=0),
    Column("run_after", BigInteger, nullable=False, default=0),
    Column("step_started", BigInteger, nullable=False, default=0),
    Column("attempts", Integer, nullable=False, default=0),
    Column("crashes", Integer, nullable=False, default=0),
    Column("created_at", Moment, nullable=False),
    Column("updated_at", Moment, nullable=False),
    Index("ix_operations_created_at_id", "created_at", "id"),
    Index("ix_operations_tenant_created_at_id", "tenant", "created_at", "id"),
    Index(
        "ix_operations_live",
        "state",
        "lease_until",
        sqlite_where=sql("state IN ('pending', 'running', 'waiting')"),
        postgresql_where=sql("state IN ('pending', 'running', 'waiting')"),
    ),
    Index("ix_operations_waits_for", "waits_for", sqlite_where=sql("waits_for IS NOT NULL")),
    Index("uq_operations_idempotency", "idempotency_scope", "idempotency_key", unique=True),
)

messages = Table(
    "messages",
    metadata,
    _id("id", primary_key=True),
    _id("tenant", nullable=True),
    _text("level", 16),
    _text("code", 64),
    Column("text", Text, nullable=False),
    _text("request_id", index=True),
    Column("next_step", Text, nullable=True),
    Column("resource_type", String(64), nullable=True),
    _id("resource", nullable=True, index=True),
    _id("operation", nullable=True),
    _json("details"),
    Column("created_at", Moment, nullable=False),
    Index("ix_messages_created_at_id", "created_at", "id"),
    Index("ix_messages_tenant_created_at_id", "tenant", "created_at", "id"),
)

events = Table(
    "events",
    metadata,
    _id("id", primary_key=True),
    Column("number", BigInteger, nullable=True, unique=True),
    _text("kind", 128),
    _text("resource_type", 64),
    _id("resource", nullable=False),
    _id("tenant", nullable=True),
    _text("user"),
    _text("request_id"),
    _id("operation", nullable=True),
    _json("body"),
    Column("created_at", Moment, nullable=False),
    Index("ix_events_tenant_number", "tenant", "number"),
    Index(
        "ix_events_unnumbered",
        "created_at",
        sqlite_where=sql("number IS NULL"),
        postgresql_where=sql("number IS NULL"),
    ),
)

counters = Table(
    "counters",
    metadata,
    Column("name", String(64), primary_key=True),
    _bytes("value"),
)

usage = Table(
    "usage",
    metadata,
    Column("tenant", String(64), primary_key=True),
    Column("profile", String(64), primary_key=True),
    _bytes("volumes"),
    _bytes("bytes"),
    Column("max_volumes", BigInteger, nullable=True),
    Column("max_bytes", BigInteger, nullable=True),
)

records = Table(
    "records",
    metadata,
    Column("owner", String(128), primary_key=True),
    Column("kind", String(128), primary_key=True),
    Column("id", String(64), primary_key=True),
    _id("tenant", nullable=True),
    Column("version", Integer, nullable=False, default=1),
    Column("key", String(255), nullable=True),
    _json("body"),
    Column("sealed", LargeBinary, nullable=True),
    Column("expires_at", Moment, nullable=True),
    Column("created_at", Moment, nullable=False),
    Column("updated_at", Moment, nullable=False),
    Index("uq_records_owner_kind_key", "owner", "kind", "key", unique=True),
    Index("ix_records_expires_at", "expires_at"),
)

duties = Table(
    "duties",
    metadata,
    Column("name", String(128), primary_key=True),
    Column("owner", String(255), nullable=True),
    Column("epoch", Integer, nullable=False, default=0),
    Column("lease_until", BigInteger, nullable=False, default=0),
    Column("last_started", BigInteger, nullable=False, default=0),
    Column("last_ended", BigInteger, nullable=False, default=0),
    Column("last_error", Text, nullable=True),
)

systems = Table(
    "systems",
    metadata,
    _id("id", primary_key=True),
    _text("name", unique=True),
    _text("adapter"),
    Column("address", String(1024), nullable=True),
    _text("state", 32),
    _text("health", 32),
    Column("health_reason", Text, nullable=False, default=""),
    _text("product"),
    Column("offers", Names, nullable=False),
    _json("settings"),
    *_life(),
)

extensions = Table(
    "extensions",
    metadata,
    Column("namespace", String(128), primary_key=True),
    Column("name", String(128), primary_key=True),
    Column("enabled", Boolean, nullable=False, default=True),
    _json("settings"),
    Column("updated_at", Moment, nullable=False),
    Column("version", Integer, nullable=False, default=1),
)

secrets = Table(
    "secrets",
    metadata,
    Column("owner", String(128), primary_key=True),
    Column("name", String(128), primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
)
