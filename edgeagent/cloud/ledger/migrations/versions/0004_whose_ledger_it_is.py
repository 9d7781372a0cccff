"""Whose folder the ledger's sessions lie in: servers of another one may not go on with them."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Nobody's yet: the next server's."""
    op.create_table(
        "folders", sa.Column("place", sa.String(16), primary_key=True), sa.Column("key", sa.String(80), nullable=False)
    )
