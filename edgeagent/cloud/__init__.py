"""The backend that sessions move to: an API, a ledger that alone says whose a session is, and workers that go on with them."""
