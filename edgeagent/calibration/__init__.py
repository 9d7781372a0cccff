"""Whether a model points where it should on this user's screen: drawn targets, what it answers, and what follows."""
