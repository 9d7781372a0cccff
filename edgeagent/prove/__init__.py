"""The prober: starts an offline run, looks at each of its processes from outside, and signs what it found."""
