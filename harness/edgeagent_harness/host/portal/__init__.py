"""A Wayland desktop: permission, input and pictures come through the desktop's portal."""
