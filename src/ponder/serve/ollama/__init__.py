"""The dialect of Ollama, for the tools that only speak that."""
