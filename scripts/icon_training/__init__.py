"""Training of the network that names icons: drawings, pictures of them, network, loop."""
