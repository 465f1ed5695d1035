"""The use cases: commands write events, the state is their fold, and a replay checks them."""
