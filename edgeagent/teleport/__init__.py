"""Moving a session to another machine and back: what goes along (`plan`), how it is packed, and who owns it meanwhile."""
