"""The service's telemetry: OpenTelemetry for spans and figures, structlog for logs."""
