"""What was observed: OVSDB rows, hosts, bundles. Knows nothing of diagnosis."""
