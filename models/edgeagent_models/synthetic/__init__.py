"""Random weights in the exact shape of a model: as fast as the model, and knowing nothing."""
