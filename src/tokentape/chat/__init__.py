"""What chat completions mean: pure functions over the payloads of events."""
