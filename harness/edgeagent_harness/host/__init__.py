"""The user's own desktop as the supervisor serves it: no containment, a scope, a border, and a stop that always works."""
