"""Analysis beside the data: operations, nodes that enforce permits, a driver that joins answers."""
