"""Room: OpenAI's Codex, on this machine (app-server) and in its cloud (`codex cloud`)."""
