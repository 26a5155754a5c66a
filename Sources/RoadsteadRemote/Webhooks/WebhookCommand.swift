import ArgumentParser
import Codecs
import RoadsteadWire

struct WebhookCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "webhook", abstract: "Receivers that are told of what happens.",
        subcommands: [Add.self, List.self, Remove.self, Test.self, Deliveries.self])

    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Add a receiver; the secret that it checks signatures with is shown once.",
            discussion: """
                Deliveries are signed as Standard Webhooks has it (Webhook-Id, Webhook-Timestamp, Webhook-Signature).
                Events: change.waiting, change.approved, change.rejected, change.expired, change.published, denial.issued,
                denial.lifted, release.published, fleet.halted, attempt.refused, root.expiring, review.due, exception.ending, host.stale,
                audit.broken.
                """)
        @Argument(help: "Its name: lower-case letters, digits and -.") var name: String
        @Option(help: ArgumentHelp("Where to: https, on a host that the server may reach.", valueName: "url"))
        var url: String
        @Option(help: ArgumentHelp("What to tell of; once for each.", valueName: "event")) var event: [String]
        @Option(help: ArgumentHelp("Write the secret to this file, mode 0600.", valueName: "file")) var out: String?
        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            let answer: NewWebhookBody = try await connection.withClient {
                try await $0.send(.post, "/v1/webhooks", WebhookRequest(name: name, url: url, events: event))
            }
            try hand(out: out, secret: answer.secret, connection, answer)
            Terminal.note("try it: roadstead webhook test \(name)")
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List receivers.", aliases: ["ls"])
        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            let webhooks: [WebhookBody] = try await connection.withClient { try await $0.list("/v1/webhooks") }
            try connection.show(webhooks) { webhooks in
                Terminal.showTable(
                    ["NAME", "URL", "EVENTS", "WAITING", "LAST"],
                    webhooks.map {
                        [$0.name, $0.url, $0.events.joined(separator: ","), "\($0.waiting)", $0.lastState ?? "-"]
                    })
            }
        }
    }

    struct Remove: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Remove a receiver.", aliases: ["rm"])
        @Argument(help: "Its name.") var name: String
        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            try await connection.withClient { client in
                let webhook = try await client.webhook(name)
                try await client.sendWithoutAnswer(.delete, "/v1/webhooks/\(webhook.id)")
            }
            Terminal.note("webhook \(name) is removed")
        }
    }

    struct Test: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Send a receiver an event that says nothing.")
        @Argument(help: "Its name.") var name: String
        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            let _: WebhookBody = try await connection.withClient { client in
                try await client.send(.post, "/v1/webhooks/\(try await client.webhook(name).id)/test")
            }
            Terminal.note("on its way; see what came of it: roadstead webhook deliveries \(name)")
        }
    }

    struct Deliveries: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Show what was sent to a receiver, the newest first.")
        @Argument(help: "Its name.") var name: String
        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            let page: Page<WebhookDeliveryBody> = try await connection.withClient { client in
                try await client.get("/v1/webhooks/\(try await client.webhook(name).id)/deliveries")
            }
            try connection.show(page.items) { deliveries in
                Terminal.showTable(
                    ["ID", "EVENT", "STATE", "ATTEMPTS", "AT", "NEXT", "OUTCOME"],
                    deliveries.map {
                        [
                            $0.id, $0.event, $0.state, "\($0.attempts)", "\($0.created)",
                            $0.next.map { "\($0)" } ?? "-", $0.outcome ?? "-",
                        ]
                    })
            }
        }
    }
}

extension APIClient {
    fileprivate func webhook(_ name: String) async throws -> WebhookBody {
        let webhooks: [WebhookBody] = try await list("/v1/webhooks")
        guard let webhook = webhooks.first(where: { $0.name == name }) else {
            throw RemoteError(.refused, "there is no webhook \"\(name.prefix(40))\"", hint: "roadstead webhook list")
        }
        return webhook
    }
}
