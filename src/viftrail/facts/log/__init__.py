"""Logs of the daemons of an OVN/OpenStack cloud: only the window and the ids that matter."""
