"""The vocabulary: frozen values that refuse nonsense, standard library only."""
