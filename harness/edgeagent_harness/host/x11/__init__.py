"""A desktop on X11: the sandbox's own executor, within a scope and while the server is held."""
