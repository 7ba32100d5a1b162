"""Room: the four agents on the OpenAI Agents SDK."""
