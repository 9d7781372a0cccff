"""What keeps the backend from going on with a session, for whoever waits for it."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Nothing is known of yet."""
    op.add_column("sessions", sa.Column("trouble", sa.Text, nullable=False, server_default=""))
