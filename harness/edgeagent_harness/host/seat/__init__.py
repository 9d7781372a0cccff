"""A desktop that has nothing but functions for capture and input (`port.Seat`): macOS, Windows, and X11 for tests."""
