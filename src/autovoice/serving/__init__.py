"""The server: a thin application over VoiceConverter. REST, WebSocket, page, Prometheus (docs/api.md, docs/security.md)."""
