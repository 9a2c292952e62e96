"""The kernels as frames call them: inputs packed, histories in pieces, one bar in every order."""
