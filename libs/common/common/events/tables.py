"""The bus's tables, which every service has in its own schema."""

from sqlalchemy import BigInteger, Column, Index, Integer, String, Table

from common.db import Id, LongText, UtcDateTime, new_metadata

metadata = new_metadata()

outbox = Table(
    "outbox",
    metadata,
    Column("event_id", Id, primary_key=True),
    Column("type", String(100), nullable=False),
    Column("subject", String(200), nullable=False),
    Column("version", BigInteger, nullable=False),
    # Whose data the envelope holds; null where it holds no more than ids.
    Column("user_id", Id, index=True),
    Column("envelope", LongText, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Index("ix_outbox_created_at", "created_at"),
)

# One row per subscriber, deleted when that subscriber has acknowledged its commit.
outbox_delivery = Table(
    "outbox_delivery",
    metadata,
    Column("event_id", Id, primary_key=True),
    Column("subscriber", String(40), primary_key=True),
    Column("next_at", UtcDateTime, nullable=False),
    Column("attempts", Integer, nullable=False, default=0),
    # A claim reads in this order: without the index MySQL would lock every row it sorts.
    Index("ix_outbox_delivery_subscriber_next_at", "subscriber", "next_at", "event_id"),
)

inbox = Table(
    "inbox",
    metadata,
    Column("event_id", Id, primary_key=True),
    Column("type", String(100), nullable=False),
    Column("subject", String(200), nullable=False),
    # done, retry or dead
    Column("state", String(10), nullable=False),
    Column("attempts", Integer, nullable=False, default=0),
    Column("next_at", UtcDateTime, nullable=False),
    Column("last_error", LongText),
    # Kept only while there is still something to do with it.
    Column("envelope", LongText),
    Column("received_at", UtcDateTime, nullable=False),
    Index("ix_inbox_state_next_at", "state", "next_at"),
    Index("ix_inbox_received_at", "received_at"),
)
