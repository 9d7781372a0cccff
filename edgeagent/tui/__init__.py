"""The terminal app. It renders events and sends commands; the work itself goes on in a thread and in processes of its own."""
