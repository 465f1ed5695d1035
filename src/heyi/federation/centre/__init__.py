"""The centre: it sends calls under permits and joins the answers of the nodes."""
