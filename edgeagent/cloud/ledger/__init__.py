"""Who owns which session: the only truth about it, in SQL."""

from edgeagent.cloud.ledger.ledger import Ledger, Row

__all__ = ["Ledger", "Row"]
