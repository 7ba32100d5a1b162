"""Floor 4, surfaces: MCP servers over stdio."""
