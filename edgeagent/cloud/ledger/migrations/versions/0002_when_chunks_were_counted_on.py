"""When somebody last counted on a chunk being there, so that what nobody does can be removed."""

import time

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """What is there now counts as asked for now."""
    op.add_column("chunks", sa.Column("counted_s", sa.Float, nullable=False, server_default="0"))
    op.execute(sa.text("update chunks set counted_s = :now").bindparams(now=time.time()))
