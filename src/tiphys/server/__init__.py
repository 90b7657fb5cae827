"""The faces of a running engine over HTTP: probes, metrics, webhooks."""
