"""The readings of a rulebook: interpreter, Python, columns, contract bytecode, SMT; the build."""
