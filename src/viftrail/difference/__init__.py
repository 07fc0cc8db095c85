"""Two pictures of a cloud held against each other."""
