import Foundation

/// A text file of commands and of what each says: `$ command`, `exit N`, `> standard output`, `! standard error`.
///
/// Lines with `%` are shell commands that prepare; `DIGEST` stands for the artifact's digest, `[…]` for any text.
struct Transcript {
    struct Step {
        let command: String
        var isPreparation = false
        var status: Int32 = 0
        var output: [String] = []
        var errors: [String] = []
    }

    let steps: [Step]

    static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("transcripts")

    static var names: [String] {
        let files = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        return files.filter { $0.hasSuffix(".txt") }.sorted()
    }

    init(_ name: String) throws {
        var steps: [Step] = []
        let text = try String(contentsOf: Self.folder.appendingPathComponent(name), encoding: .utf8)
        for line in text.split(separator: "\n").map(String.init) where !line.hasPrefix("#") {
            let rest = String(line.dropFirst(2))
            switch line.first {
            case "$": steps.append(Step(command: rest))
            case "%": steps.append(Step(command: rest, isPreparation: true))
            case ">" where !steps.isEmpty: steps[steps.count - 1].output.append(rest)
            case "!" where !steps.isEmpty: steps[steps.count - 1].errors.append(rest)
            case "e" where !steps.isEmpty: steps[steps.count - 1].status = Int32(line.dropFirst(5)) ?? -1
            default: throw Malformed(line: line)
            }
        }
        self.steps = steps
    }

    struct Malformed: Error { let line: String }

    /// Whether lines are as expected, `[…]` standing for any text within a line.
    static func matches(_ lines: [String], _ expected: [String]) -> Bool {
        lines.count == expected.count
            && zip(lines, expected).allSatisfy { line, expected in
                var rest = Substring(line)
                let parts = expected.components(separatedBy: "[…]")
                for (index, part) in parts.enumerated() {
                    if index == 0 {
                        guard rest.hasPrefix(part) else { return false }
                        rest = rest.dropFirst(part.count)
                    } else if index == parts.count - 1 {
                        return rest.hasSuffix(part)
                    } else {
                        guard let range = rest.range(of: part) else { return false }
                        rest = rest[range.upperBound...]
                    }
                }
                return parts.count > 1 || rest.isEmpty
            }
    }
}
