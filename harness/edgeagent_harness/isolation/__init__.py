"""How a process of ours gives up the network, whichever distribution it belongs to: stdlib and msgspec only, imported by all."""
