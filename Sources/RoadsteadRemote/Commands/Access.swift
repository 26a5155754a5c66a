import ArgumentParser
import RoadsteadWire

struct CanI: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "can-i", abstract: "Say whether you may do something, by which role or why not.",
        discussion: """
              roadstead can-i propose team:acme
              roadstead can-i set-mode fleet:prod
              roadstead can-i approve C-12
              roadstead can-i read audit
              roadstead can-i --list team:acme

            The exit status is 0 when you may, 1 when you may not.
            """)

    @OptionGroup var connection: ConnectionOptions
    @Flag(help: "Everything that can be done to the object.") var list = false
    @Argument(help: "What to do, and to what: VERB OBJECT, or OBJECT with --list.") var words: [String]

    func validate() throws {
        guard words.count == (list ? 1 : 2) else {
            throw ValidationError(list ? "--list takes one object" : "give a verb and an object")
        }
    }

    func run() async throws {
        let (verb, object) = (list ? nil : words.first, words.last)
        let answers: Page<AccessBody> = try await connection.withClient {
            try await $0.get("/v1/can-i", [("verb", verb), ("object", object)])
        }
        try connection.show(answers) { answers in
            for answer in answers.items { Terminal.show(Self.line(answer)) }
        }
        guard list || answers.items.allSatisfy(\.allowed) else { throw ExitCode(ExitStatus.refused) }
    }

    private static func line(_ answer: AccessBody) -> String {
        let head = "\(answer.verb) \(answer.object): "
        if answer.allowed { return head + "yes, as \(answer.by ?? "its owner")" }
        return head + "no: \(answer.reason ?? "")" + (answer.hint.map { " (\($0))" } ?? "")
    }
}
