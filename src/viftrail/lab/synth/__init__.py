"""Databases of a large cloud, made of nothing, with faults whose list is known.

===========  ==============================================================
module       what it holds
===========  ==============================================================
``plan``     the cloud on paper: hosts, networks, VMs, from a size and a seed
``draft``    one tenant's rows, as Neutron writes them, and who claims them
``compose``  fills a draft
``fleet``    the rows that ovn-controller writes of each chassis
``plant``    which faults go where
``mistakes`` the kinds of faults
``journal``  a stand-alone database file, written without ovsdb-server
``central``  real ovsdb-servers and a real ovn-northd build Southbound
``carry``    the same without them, for clouds too large for this computer
``ballast``  logical flows in the amount that such a cloud has
``build``    all of it in order
===========  ==============================================================
"""
