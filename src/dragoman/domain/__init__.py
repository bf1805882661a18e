"""What an LLM, a caller and a failure mean. Pure: no I/O, no framework, no clock."""
