import ArgumentParser
import Codecs

struct StatusCommand: AsyncParsableCommand {
    enum Output: String, ExpressibleByArgument { case text, json }

    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Shows what is in force here, how fresh it is and what enforces it.",
        discussion: "With --check it ends with status 1 when something is not as it should be.")

    @OptionGroup var options: StateOptions

    @Flag(help: "End with status 1 when something is not as it should be.")
    var check = false

    @Option(help: ArgumentHelp("text or json.", valueName: "form"))
    var output = Output.text

    func run() async throws {
        let report = try StatusReport(options.directory, now: SystemClock.now)
        switch output {
        case .text: print(report.text)
        case .json: print(try JSON(encoding: report).prettyText, terminator: "")
        }
        guard check, let problem = report.problems.first else { return }
        let more = report.problems.count > 1 ? ", and \(report.problems.count - 1) more" : ""
        throw AgentError(.unhealthy, "\(problem)\(more)", hint: "roadstead-agent status shows everything")
    }
}
