"""The use cases, where the engines meet: commands write events, state is their fold, replay checks them."""
