/// Writes series as text that Prometheus reads. [Prometheus text format 0.0.4]
enum PrometheusText {
    static func write(_ series: [(key: SeriesKey, value: any Series)]) -> String {
        var text = ""
        var current: String?
        for (key, value) in series.sorted(by: { $0.key < $1.key }) {
            let name = metricName(key.name)
            if name != current {
                if let help = MetricName(rawValue: name)?.help { text += "# HELP \(name) \(help)\n" }
                text += "# TYPE \(name) \(value.kind.rawValue)\n"
                current = name
            }
            for sample in value.samples {
                let labels = labels(key.labels + [sample.label].compactMap(\.self))
                text += "\(name)\(sample.suffix)\(labels) \(sample.value)\n"
            }
        }
        return text
    }

    private static func labels(_ labels: [MetricLabel]) -> String {
        guard !labels.isEmpty else { return "" }
        return "{" + labels.map { "\(metricName($0.name))=\"\(escaped($0.value))\"" }.joined(separator: ",") + "}"
    }

    /// Characters that a name cannot hold become underscores.
    private static func metricName(_ name: String) -> String {
        String(name.map { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_" || $0 == ":") ? $0 : "_" })
    }

    private static func escaped(_ value: String) -> String {
        var result = ""
        for character in value.unicodeScalars {
            switch character {
            case "\\": result += "\\\\"
            case "\"": result += "\\\""
            case "\n": result += "\\n"
            default: result.unicodeScalars.append(character)
            }
        }
        return result
    }
}
