"""The readings of a rulebook: interpreter, Python, columns, contract bytecode, SMT, and the build."""
