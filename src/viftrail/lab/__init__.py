"""A real OVN cloud in network namespaces, and how each fault is provoked in it."""
