"""What somebody saved: folders, sosreports, must-gathers, each file told by what is in it."""
