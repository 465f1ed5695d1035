"""Analysis beside the data: operations, the nodes that enforce permits, and the driver that joins their answers."""
