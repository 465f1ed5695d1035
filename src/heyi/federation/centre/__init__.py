"""The side that asks: it sends calls under permits and joins what the nodes answer."""
