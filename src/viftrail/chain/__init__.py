"""The chain a port lives through: one module a stage, pure functions of facts."""
