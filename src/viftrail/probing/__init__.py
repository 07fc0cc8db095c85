"""Sending packets, on consent, to decide what rows cannot."""
