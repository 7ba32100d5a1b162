"""Floor 2, room: the four agents on the OpenAI Agents SDK."""
