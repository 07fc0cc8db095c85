"""The scoreboard: every fault provoked in a fresh lab, diagnosed, mended, and counted."""
