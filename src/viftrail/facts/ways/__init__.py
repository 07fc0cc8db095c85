"""How a program gets to a host, and what it says back: this host, ssh, containers, Ansible."""
