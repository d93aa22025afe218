"""What exists: the model catalogue, GGUF headers, pulling and the local library."""
