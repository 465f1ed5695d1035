"""How calls reach the nodes, and how coalitions reach the worker processes."""
