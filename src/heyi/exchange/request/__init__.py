"""A request from its submission to its permits: register, state facts, decide, approve, grant."""
