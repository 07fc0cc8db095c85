"""Tests of the lab, most of which bring one up."""
