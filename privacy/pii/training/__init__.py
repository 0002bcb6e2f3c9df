"""Build-time tools: they make the committed data and model, nothing imports them."""
