"""A whole OpenStack on the lab's nodes: Keystone, Placement, Glance, Neutron and Nova, for real.

The nodes, their wires and OVN are those of every lab. What differs is who owns the ports:
Neutron's own ML2/OVN driver writes Northbound, Nova boots real guests under QEMU.
"""
