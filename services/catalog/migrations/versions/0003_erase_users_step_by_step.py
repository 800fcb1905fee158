"""erase users step by step"""

import sqlalchemy as sa
from alembic import op

from common.db import Id, UtcDateTime

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("erased_user", schema=None) as batch_op:
        batch_op.add_column(sa.Column("look_at", UtcDateTime(), nullable=True))
        batch_op.add_column(
            sa.Column("erased_rows", sa.Integer(), server_default="0", nullable=False)
        )
        batch_op.add_column(
            sa.Column("receipts", sa.BigInteger(), server_default="0", nullable=False)
        )
        batch_op.add_column(sa.Column("told_rows", sa.Integer(), nullable=True))
        batch_op.create_index(batch_op.f("ix_erased_user_look_at"), ["look_at"], unique=False)

    with op.batch_alter_table("outbox", schema=None) as batch_op:
        batch_op.add_column(sa.Column("user_id", Id, nullable=True))
        batch_op.create_index(batch_op.f("ix_outbox_user_id"), ["user_id"], unique=False)
