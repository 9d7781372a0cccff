"""What is seen of a desktop: its frames, when it has come to rest (`settle`), and what an action did (`effect`)."""
