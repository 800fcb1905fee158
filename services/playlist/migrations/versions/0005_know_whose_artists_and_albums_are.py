"""know whose artists and albums are"""

import sqlalchemy as sa
from alembic import op

from common.db import Id

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_PAGE = 1000

track = sa.table(
    "track",
    sa.column("id", Id),
    sa.column("owner_id", Id),
    sa.column("album_id", Id),
    sa.column("credits", sa.JSON()),
)


def upgrade() -> None:
    for table in ("album", "artist"):
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.add_column(sa.Column("owner_id", Id, nullable=True))
            batch_op.create_index(batch_op.f(f"ix_{table}_owner_id"), ["owner_id"], unique=False)

    with op.batch_alter_table("track", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_track_owner_id"), ["owner_id"], unique=False)

    _copy_owners(op.get_bind())


def _copy_owners(connection: sa.Connection) -> None:
    """Give albums and artists the owner of the tracks that name them: catalog allows no other.

    Those that no track names get theirs when catalog next tells of them.
    """
    tracks = sa.select(track).where(track.c.owner_id != "").order_by(track.c.id).limit(_PAGE)
    last = ""
    while rows := connection.execute(tracks.where(track.c.id > last)).all():
        last = rows[-1].id
        albums = {row.album_id: row.owner_id for row in rows if row.album_id}
        artists = {each["artist_id"]: row.owner_id for row in rows for each in row.credits}
        _set_owners(connection, "album", albums)
        _set_owners(connection, "artist", artists)


def _set_owners(connection: sa.Connection, name: str, owners: dict[str, str]) -> None:
    table = sa.table(name, sa.column("id", Id), sa.column("owner_id", Id), sa.column("deleted"))
    theirs = (table.c.id == sa.bindparam("key")) & table.c.deleted.is_(False)
    owned = sa.update(table).where(theirs).values(owner_id=sa.bindparam("owner"))
    if owners:
        rows = [{"key": key, "owner": owner} for key, owner in sorted(owners.items())]
        connection.execute(owned, rows)
