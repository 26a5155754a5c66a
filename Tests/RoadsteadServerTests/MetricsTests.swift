import CoreMetrics
import Observability
import Testing

@Suite struct MetricsText {
    @Test func `a counter is written with its help, type and labels`() {
        let registry = MetricsRegistry()
        Counter(
            label: MetricName.httpRequests.rawValue, dimensions: [("route", "/v1/teams"), ("status", "200")],
            factory: registry
        ).increment(by: 3)
        #expect(
            registry.text() == """
                # HELP roadstead_http_requests_total Requests answered, by method, route pattern and status
                # TYPE roadstead_http_requests_total counter
                roadstead_http_requests_total{route="/v1/teams",status="200"} 3

                """)
    }

    @Test func `a label's value cannot end its quotes or its line`() {
        let registry = MetricsRegistry()
        Counter(label: "c", dimensions: [("fleet", "a\"b\\c\nd")], factory: registry).increment()
        #expect(registry.text().contains(#"c{fleet="a\"b\\c\nd"} 1"#))
    }

    @Test func `a timer is a histogram in seconds with cumulative buckets`() {
        let registry = MetricsRegistry()
        let timer = CoreMetrics.Timer(label: "t", dimensions: [], factory: registry)
        timer.recordMilliseconds(2)
        timer.recordSeconds(100)
        let text = registry.text()
        #expect(text.contains("t_bucket{le=\"0.001\"} 0\n"))
        #expect(text.contains("t_bucket{le=\"0.0025\"} 1\n"))
        #expect(text.contains("t_bucket{le=\"60.0\"} 1\n"))
        #expect(text.contains("t_bucket{le=\"+Inf\"} 2\n"))
        #expect(text.contains("t_count 2\n"))
    }

    @Test func `the number of series is bounded`() {
        let registry = MetricsRegistry()
        for index in 0...MetricsRegistry.seriesLimit {
            Counter(label: "c", dimensions: [("n", String(index))], factory: registry).increment()
        }
        #expect(registry.text().split(separator: "\n").count == MetricsRegistry.seriesLimit + 1)
    }

    @Test(arguments: MetricName.allCases) func `every metric says what it is`(metric: MetricName) {
        #expect(!metric.help.isEmpty && metric.rawValue.hasPrefix("roadstead_"))
    }
}
