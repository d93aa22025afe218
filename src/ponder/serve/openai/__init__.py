"""OpenAI's API, with the field names that llama.cpp, vLLM, SGLang and DeepSeek have added for reasoning."""
