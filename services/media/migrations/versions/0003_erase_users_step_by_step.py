"""erase users step by step"""

import sqlalchemy as sa
from alembic import op

from common.db import Id, UtcDateTime

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "erased_user",
        sa.Column("user_id", Id, nullable=False),
        sa.Column("erased_at", UtcDateTime(), nullable=False),
        sa.Column("look_at", UtcDateTime(), nullable=True),
        sa.Column("erased_rows", sa.Integer(), server_default="0", nullable=False),
        sa.Column("receipts", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("told_rows", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_erased_user")),
    )
    with op.batch_alter_table("erased_user", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_erased_user_look_at"), ["look_at"], unique=False)

    op.execute(
        "INSERT INTO erased_user (user_id, erased_at) SELECT user_id, erased_at FROM erased_owner"
    )
    op.drop_table("erased_owner")
    with op.batch_alter_table("outbox", schema=None) as batch_op:
        batch_op.add_column(sa.Column("user_id", Id, nullable=True))
        batch_op.create_index(batch_op.f("ix_outbox_user_id"), ["user_id"], unique=False)
