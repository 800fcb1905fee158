"""first schema"""

import sqlalchemy as sa
from alembic import op

from common.db import Id, LongText, UtcDateTime

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "album",
        sa.Column("id", Id, nullable=False),
        sa.Column("title", sa.String(length=500), nullable=False),
        sa.Column("src_version", sa.BigInteger(), nullable=False),
        sa.Column("deleted", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_album")),
    )
    op.create_table(
        "artist",
        sa.Column("id", Id, nullable=False),
        sa.Column("name", sa.String(length=500), nullable=False),
        sa.Column("src_version", sa.BigInteger(), nullable=False),
        sa.Column("deleted", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_artist")),
    )
    op.create_table(
        "erased_user",
        sa.Column("user_id", Id, nullable=False),
        sa.Column("erased_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_erased_user")),
    )
    op.create_table(
        "play",
        sa.Column("user_id", Id, nullable=False),
        sa.Column("id", Id, nullable=False),
        sa.Column("track_id", Id, nullable=False),
        sa.Column("played_ms", sa.BigInteger(), nullable=False),
        sa.Column("played_at", UtcDateTime(), nullable=False),
        sa.Column("counted", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("user_id", "id", name=op.f("pk_play")),
    )
    with op.batch_alter_table("play", schema=None) as batch_op:
        batch_op.create_index(
            "ix_play_user_id_played_at_id", ["user_id", "played_at", "id"], unique=False
        )

    op.create_table(
        "playlist",
        sa.Column("id", Id, nullable=False),
        sa.Column("owner_id", Id, nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("description", sa.String(length=2000), nullable=False),
        sa.Column("visibility", sa.String(length=10), nullable=False),
        sa.Column("entry_count", sa.Integer(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_playlist")),
    )
    with op.batch_alter_table("playlist", schema=None) as batch_op:
        batch_op.create_index("ix_playlist_owner_id_id", ["owner_id", "id"], unique=False)

    op.create_table(
        "saved_track",
        sa.Column("user_id", Id, nullable=False),
        sa.Column("track_id", Id, nullable=False),
        sa.Column("saved", sa.Boolean(), nullable=False),
        sa.Column("saved_at", UtcDateTime(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("user_id", "track_id", name=op.f("pk_saved_track")),
    )
    with op.batch_alter_table("saved_track", schema=None) as batch_op:
        batch_op.create_index(
            "ix_saved_track_listing", ["user_id", "saved", "saved_at", "track_id"], unique=False
        )

    op.create_table(
        "track",
        sa.Column("id", Id, nullable=False),
        sa.Column("owner_id", Id, nullable=False),
        sa.Column("title", sa.String(length=500), nullable=False),
        sa.Column("album_id", Id, nullable=True),
        sa.Column("credits", sa.JSON(), nullable=False),
        sa.Column("duration_ms", sa.BigInteger(), nullable=True),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("src_version", sa.BigInteger(), nullable=False),
        sa.Column("deleted", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_track")),
    )
    op.create_table(
        "playlist_entry",
        sa.Column("id", Id, nullable=False),
        sa.Column("playlist_id", Id, nullable=False),
        sa.Column("track_id", Id, nullable=False),
        sa.Column("sort_key", sa.BigInteger(), nullable=False),
        sa.Column("added_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["playlist_id"],
            ["playlist.id"],
            name=op.f("fk_playlist_entry_playlist_id_playlist"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_playlist_entry")),
        sa.UniqueConstraint(
            "playlist_id", "sort_key", name=op.f("uq_playlist_entry_playlist_id_sort_key")
        ),
    )
    op.create_table(
        "inbox",
        sa.Column("event_id", Id, nullable=False),
        sa.Column("type", sa.String(length=100), nullable=False),
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_at", UtcDateTime(), nullable=False),
        sa.Column("last_error", LongText, nullable=True),
        sa.Column("envelope", LongText, nullable=True),
        sa.Column("received_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_inbox")),
    )
    with op.batch_alter_table("inbox", schema=None) as batch_op:
        batch_op.create_index("ix_inbox_received_at", ["received_at"], unique=False)
        batch_op.create_index("ix_inbox_state_next_at", ["state", "next_at"], unique=False)

    op.create_table(
        "outbox",
        sa.Column("event_id", Id, nullable=False),
        sa.Column("type", sa.String(length=100), nullable=False),
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("envelope", LongText, nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_outbox")),
    )
    with op.batch_alter_table("outbox", schema=None) as batch_op:
        batch_op.create_index("ix_outbox_created_at", ["created_at"], unique=False)

    op.create_table(
        "outbox_delivery",
        sa.Column("event_id", Id, nullable=False),
        sa.Column("subscriber", sa.String(length=40), nullable=False),
        sa.Column("next_at", UtcDateTime(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("event_id", "subscriber", name=op.f("pk_outbox_delivery")),
    )
    with op.batch_alter_table("outbox_delivery", schema=None) as batch_op:
        batch_op.create_index(
            "ix_outbox_delivery_next_at_event_id", ["next_at", "event_id"], unique=False
        )

    op.create_table(
        "revocation",
        sa.Column("subject_id", Id, nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("revoked_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("subject_id", name=op.f("pk_revocation")),
    )
    with op.batch_alter_table("revocation", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_revocation_expires_at"), ["expires_at"], unique=False)
