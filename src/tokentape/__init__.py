"""TokenTape: streaming chat completions, recorded and replayed exactly."""
