"""The networks that come with the package; their model cards lie in ``models/``."""
