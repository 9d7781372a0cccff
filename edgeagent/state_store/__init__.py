"""A place behind the disk for what engines held: a folder elsewhere, or a bucket. The app carries; engines have no network."""
