"""What runs inside the sandbox: process 1, the screen, the hands. Hostile to all outside. Read `service` first."""
