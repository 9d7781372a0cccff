"""Other programs over the same weights, as engines: what the step benchmark compares with. The runtime never starts them."""
