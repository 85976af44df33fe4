"""What a Prometheus server may ask: requests, durations, operations by root field (a bounded set), live streams."""

from __future__ import annotations

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)


class Metrics:
    """The counters of one process; what rooms above measure (outbox lag, group sizes) registers on `registry`."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "muster_http_requests", "Requests by route and status.", ["route", "status"], registry=self.registry
        )
        self.durations = Histogram(
            "muster_http_seconds", "Seconds a request took.", ["route"], buckets=_BUCKETS, registry=self.registry
        )
        self.operations = Counter(
            "muster_graphql_operations",
            "GraphQL operations by root field and outcome.",
            ["operation", "outcome"],
            registry=self.registry,
        )
        self.operation_seconds = Histogram(
            "muster_graphql_seconds",
            "Seconds an operation took.",
            ["operation"],
            buckets=_BUCKETS,
            registry=self.registry,
        )
        self.streams = Gauge("muster_live_streams", "Open live streams by kind.", ["kind"], registry=self.registry)

    def render(self) -> bytes:
        """Return everything in Prometheus' text format."""
        return generate_latest(self.registry)
