"""Mending what `why` found: a plan, its steps one by one, a look after each, and a proof."""
