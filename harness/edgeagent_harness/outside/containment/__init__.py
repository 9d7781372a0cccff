"""What contains a session: namespaces, filters, control groups and limits; and what follows when something is denied.

`layers` says which of it this machine gives, `sandbox` writes bwrap's command line, `launch` runs it.
"""
