"""first schema"""

import re

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

from common.db import Id, LongText, UtcDateTime

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# Folded in Python, so the database compares bytes.
Key = sa.String(500).with_variant(mysql.VARCHAR(500, collation="utf8mb4_bin"), "mysql", "mariadb")
Word = sa.String(64).with_variant(mysql.VARCHAR(64, collation="utf8mb4_bin"), "mysql", "mariadb")

# FTS5 keeps its own index of search_document's rows; these keep it in step.
FTS5 = """
CREATE INDEX ix_search_document_kind_title ON search_document (kind, title);
CREATE VIRTUAL TABLE search_index USING fts5(
    kind, title, artist, album,
    content='search_document', content_rowid='id', prefix='3 4 5',
    tokenize="unicode61 remove_diacritics 2 categories 'L* M* N* Co'"
);
CREATE TRIGGER search_document_insert AFTER INSERT ON search_document BEGIN
    INSERT INTO search_index(rowid, kind, title, artist, album)
    VALUES (new.id, new.kind, new.title, new.artist, new.album);
END;
CREATE TRIGGER search_document_delete AFTER DELETE ON search_document BEGIN
    INSERT INTO search_index(search_index, rowid, kind, title, artist, album)
    VALUES ('delete', old.id, old.kind, old.title, old.artist, old.album);
END;
CREATE TRIGGER search_document_update AFTER UPDATE ON search_document BEGIN
    INSERT INTO search_index(search_index, rowid, kind, title, artist, album)
    VALUES ('delete', old.id, old.kind, old.title, old.artist, old.album);
    INSERT INTO search_index(rowid, kind, title, artist, album)
    VALUES (new.id, new.kind, new.title, new.artist, new.album);
END;
"""
# One index for each set of columns that MATCH names.
FULLTEXT = """
CREATE INDEX ix_search_document_kind_title ON search_document (kind, title(100));
CREATE FULLTEXT INDEX ft_search_document_title ON search_document (title);
CREATE FULLTEXT INDEX ft_search_document ON search_document (title, artist, album);
"""


def upgrade() -> None:
    op.create_table(
        "artist",
        sa.Column("name", sa.String(length=500), nullable=False),
        sa.Column("name_key", Key, nullable=False),
        sa.Column("image_url", sa.String(length=500), nullable=True),
        sa.Column("implicit", sa.Boolean(), nullable=False),
        sa.Column("id", Id, nullable=False),
        sa.Column("owner_id", Id, nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("published_at", UtcDateTime(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_artist")),
        sa.UniqueConstraint("owner_id", "name_key", name=op.f("uq_artist_owner_id_name_key")),
    )
    with op.batch_alter_table("artist", schema=None) as batch_op:
        batch_op.create_index("ix_artist_name_key_id", ["name_key", "id"], unique=False)

    op.create_table(
        "asset",
        sa.Column("id", Id, nullable=False),
        sa.Column("owner_id", Id, nullable=False),
        sa.Column("track_deleted", sa.Boolean(), nullable=False),
        sa.Column("src_version", sa.BigInteger(), nullable=False),
        sa.Column("deleted", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_asset")),
    )
    with op.batch_alter_table("asset", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_asset_owner_id"), ["owner_id"], unique=False)

    op.create_table(
        "change",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("subject_id", Id, nullable=False),
        sa.Column("action", sa.String(length=10), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_change")),
    )
    op.create_table(
        "erased_user",
        sa.Column("user_id", Id, nullable=False),
        sa.Column("erased_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_erased_user")),
    )
    op.create_table(
        "genre",
        sa.Column("id", Id, nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("name_key", Key, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_genre")),
        sa.UniqueConstraint("name_key", name=op.f("uq_genre_name_key")),
    )
    op.create_table(
        "album",
        sa.Column("title", sa.String(length=500), nullable=False),
        sa.Column("title_key", Key, nullable=False),
        sa.Column("artist_id", Id, nullable=False),
        sa.Column("release_date", sa.Date(), nullable=True),
        sa.Column("cover_url", sa.String(length=500), nullable=True),
        sa.Column("implicit", sa.Boolean(), nullable=False),
        sa.Column("id", Id, nullable=False),
        sa.Column("owner_id", Id, nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("published_at", UtcDateTime(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["artist_id"], ["artist.id"], name=op.f("fk_album_artist_id_artist")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_album")),
        sa.UniqueConstraint(
            "owner_id", "title_key", "artist_id", name=op.f("uq_album_owner_id_title_key_artist_id")
        ),
    )
    with op.batch_alter_table("album", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_album_artist_id"), ["artist_id"], unique=False)
        batch_op.create_index("ix_album_title_key_id", ["title_key", "id"], unique=False)

    op.create_table(
        "track",
        sa.Column("asset_id", Id, nullable=True),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("title", sa.String(length=500), nullable=False),
        sa.Column("title_key", Key, nullable=False),
        sa.Column("album_id", Id, nullable=True),
        sa.Column("track_number", sa.Integer(), nullable=True),
        sa.Column("disc_number", sa.Integer(), nullable=True),
        sa.Column("album_position", sa.Integer(), nullable=False),
        sa.Column("genres", sa.JSON(), nullable=False),
        sa.Column("has_audio", sa.Boolean(), nullable=False),
        sa.Column("duration_ms", sa.Integer(), nullable=True),
        sa.Column("integrated_lufs", sa.Float(precision=53), nullable=True),
        sa.Column("true_peak_dbtp", sa.Float(precision=53), nullable=True),
        sa.Column("range_lu", sa.Float(precision=53), nullable=True),
        sa.Column("downloadable", sa.Boolean(), nullable=False),
        sa.Column("cover_url", sa.String(length=500), nullable=True),
        sa.Column("has_lyrics", sa.Boolean(), nullable=False),
        sa.Column("failure", sa.String(length=1000), nullable=True),
        sa.Column("id", Id, nullable=False),
        sa.Column("owner_id", Id, nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("published_at", UtcDateTime(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["album_id"], ["album.id"], name=op.f("fk_track_album_id_album")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_track")),
        sa.UniqueConstraint("asset_id", name=op.f("uq_track_asset_id")),
    )
    with op.batch_alter_table("track", schema=None) as batch_op:
        batch_op.create_index(
            "ix_track_album_id_album_position", ["album_id", "album_position"], unique=False
        )
        batch_op.create_index("ix_track_owner_id_id", ["owner_id", "id"], unique=False)
        batch_op.create_index(
            "ix_track_owner_id_title_key_id", ["owner_id", "title_key", "id"], unique=False
        )
        batch_op.create_index(
            "ix_track_owner_id_state_title_key_id",
            ["owner_id", "state", "title_key", "id"],
            unique=False,
        )
        batch_op.create_index("ix_track_state_id", ["state", "id"], unique=False)
        batch_op.create_index(
            "ix_track_state_published_at_id", ["state", "published_at", "id"], unique=False
        )
        batch_op.create_index(
            "ix_track_state_title_key_id", ["state", "title_key", "id"], unique=False
        )

    op.create_table(
        "credit",
        sa.Column("track_id", Id, nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("artist_id", Id, nullable=False),
        sa.Column("role", sa.String(length=20), nullable=False),
        sa.ForeignKeyConstraint(
            ["artist_id"], ["artist.id"], name=op.f("fk_credit_artist_id_artist")
        ),
        sa.ForeignKeyConstraint(
            ["track_id"], ["track.id"], name=op.f("fk_credit_track_id_track"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("track_id", "position", name=op.f("pk_credit")),
        sa.UniqueConstraint(
            "track_id", "artist_id", "role", name=op.f("uq_credit_track_id_artist_id_role")
        ),
    )
    with op.batch_alter_table("credit", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_credit_artist_id"), ["artist_id"], unique=False)

    op.create_table(
        "lyrics",
        sa.Column("track_id", Id, nullable=False),
        sa.Column("plain", LongText, nullable=False),
        sa.Column("synced", LongText, nullable=True),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["track_id"], ["track.id"], name=op.f("fk_lyrics_track_id_track"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("track_id", name=op.f("pk_lyrics")),
    )
    op.create_table(
        "play_count",
        sa.Column("track_id", Id, nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["track_id"],
            ["track.id"],
            name=op.f("fk_play_count_track_id_track"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("track_id", name=op.f("pk_play_count")),
    )
    with op.batch_alter_table("play_count", schema=None) as batch_op:
        batch_op.create_index("ix_play_count_total_track_id", ["total", "track_id"], unique=False)

    op.create_table(
        "play_day",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("track_id", Id, nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["track_id"], ["track.id"], name=op.f("fk_play_day_track_id_track"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("day", "track_id", name=op.f("pk_play_day")),
    )
    with op.batch_alter_table("play_day", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_play_day_track_id"), ["track_id"], unique=False)

    op.create_table(
        "track_genre",
        sa.Column("track_id", Id, nullable=False),
        sa.Column("genre_id", Id, nullable=False),
        sa.Column("published", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["genre_id"], ["genre.id"], name=op.f("fk_track_genre_genre_id_genre")
        ),
        sa.ForeignKeyConstraint(
            ["track_id"],
            ["track.id"],
            name=op.f("fk_track_genre_track_id_track"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("track_id", "genre_id", name=op.f("pk_track_genre")),
    )
    with op.batch_alter_table("track_genre", schema=None) as batch_op:
        batch_op.create_index(
            "ix_track_genre_genre_id_published", ["genre_id", "published"], unique=False
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
    op.create_table(
        "search_document",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("subject_id", Id, nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("artist", sa.Text(), nullable=False),
        sa.Column("album", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_search_document")),
        sa.UniqueConstraint("subject_id", name=op.f("uq_search_document_subject_id")),
    )
    op.create_table(
        "search_word",
        sa.Column("word", Word, nullable=False),
        sa.Column("backwards", Word, nullable=False),
        sa.PrimaryKeyConstraint("word", name=op.f("pk_search_word")),
    )
    op.create_index(op.f("ix_search_word_backwards"), "search_word", ["backwards"])
    sqlite = op.get_bind().dialect.name == "sqlite"
    for statement in _statements(FTS5 if sqlite else FULLTEXT):
        op.execute(statement)


def _statements(script: str) -> list[str]:
    """Split at semicolons that end a line outside a trigger's body."""
    return [part.strip() for part in re.split(r";\n(?!    |END)", script) if part.strip()]
