"""The questions the rules ask, a module per group; each notes what it finds in the state."""
