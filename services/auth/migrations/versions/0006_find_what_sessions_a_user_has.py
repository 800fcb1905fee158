"""find what sessions a user has"""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # The new one first: MySQL wants an index for the foreign key at any time.
    with op.batch_alter_table("user_session", schema=None) as batch_op:
        batch_op.create_index(
            "ix_user_session_user_id_revoked_at_id", ["user_id", "revoked_at", "id"], unique=False
        )
        batch_op.drop_index(batch_op.f("ix_user_session_user_id"))

    with op.batch_alter_table("refresh_token", schema=None) as batch_op:
        batch_op.create_index(
            "ix_refresh_token_session_id_created_at", ["session_id", "created_at"], unique=False
        )
        batch_op.drop_index(batch_op.f("ix_refresh_token_session_id"))
