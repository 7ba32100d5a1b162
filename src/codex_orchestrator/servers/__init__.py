"""Surface: MCP servers over stdio."""
