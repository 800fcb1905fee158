"""publish to each subscriber apart"""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("outbox_delivery", schema=None) as batch_op:
        batch_op.create_index(
            "ix_outbox_delivery_subscriber_next_at", ["subscriber", "next_at", "event_id"]
        )
        batch_op.drop_index("ix_outbox_delivery_next_at_event_id")
