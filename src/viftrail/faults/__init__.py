"""The catalogue: every known cause, one definition each, one module a stage."""
