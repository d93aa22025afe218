"""The dialect of Anthropic's Messages API, for the tools that only speak that."""
