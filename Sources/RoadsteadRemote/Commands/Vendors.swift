import ArgumentParser
import Codecs
import PKI
import RoadsteadWire
import TrustModel

struct VendorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "vendor", abstract: "Third parties: registered once, used by any team.",
        subcommands: [
            Add.self, Set.self, List.self, Show.self, Use.self, Stop.self, Remove.self, Review.self, Request.self,
        ])

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List vendors.", aliases: ["ls"])
        @Flag(help: "Only those whose review is overdue.") var reviewDue = false
        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            let vendors: [VendorBody] = try await connection.withClient {
                try await $0.all("/v1/vendors", [("review-due", reviewDue ? "true" : nil)])
            }
            try connection.show(vendors) { vendors in
                Terminal.showTable(
                    ["NAME", "WHO", "ANCHORS", "USED BY", "REVIEW BY"],
                    vendors.map {
                        [
                            $0.name.rawValue, $0.details.displayName, "\($0.anchors.count)",
                            $0.uses.isEmpty ? "-" : $0.uses.map(\.team.rawValue).joined(separator: ","),
                            $0.reviewBy.description.prefix(10) + ($0.reviewDue ? " (overdue)" : ""),
                        ]
                    })
            }
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Show one vendor.", aliases: ["view"])
        @Argument(transform: VendorName.init) var name: VendorName
        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            let vendor = try await fetchVendor(name, connection)
            try connection.show(vendor) { vendor in for line in vendor.lines { Terminal.show(line) } }
        }
    }

    struct Use: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Use a vendor in a store of a team.",
            discussion: "The store then follows the vendor's anchors, whichever two people agree to.")
        @Argument(transform: VendorName.init) var name: VendorName
        @Option(help: "The team.", transform: TeamName.init) var team: TeamName
        @Option(help: "The store, as KIND/NAME or NAME for a ca store.") var store: StorePath
        @OptionGroup var why: ReasonOptions
        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            let operation = UseVendor(vendor: name, store: store.reference)
            try await propose([.governed(operation)], team: team, why, connection)
        }
    }

    struct Stop: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Stop using a vendor in a store; its anchors leave the store.")
        @Argument(transform: VendorName.init) var name: VendorName
        @Option(help: "The team.", transform: TeamName.init) var team: TeamName
        @Option(help: "The store, as KIND/NAME or NAME for a ca store.") var store: StorePath
        @OptionGroup var why: ReasonOptions
        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            let operation = StopVendor(vendor: name, store: store.reference)
            try await propose([.governed(operation)], team: team, why, connection)
        }
    }

    struct Remove: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Remove a vendor, or one of its anchors, from every team at once.", aliases: ["rm"])
        @Argument(transform: VendorName.init) var name: VendorName
        @Option(help: "SHA-256 of the one anchor to remove; the vendor goes whole without it.") var anchor: String?
        @OptionGroup var why: ReasonOptions
        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            let operation: OperationBody =
                if let anchor {
                    .governed(RemoveVendorAnchor(vendor: name, fingerprint: plainFingerprint(anchor)))
                } else { .governed(RemoveVendor(vendor: name)) }
            try await propose([operation], team: nil, why, connection)
        }
    }
}

/// Hexadecimal digits without the colons and spaces of other programs.
func plainFingerprint(_ text: String) -> String { text.lowercased().filter { $0 != ":" && $0 != " " } }

func fetchVendor(_ name: VendorName, _ connection: ConnectionOptions) async throws -> VendorBody {
    try await connection.withClient { try await $0.get("/v1/vendors/\(name)") }
}

extension StorePath {
    var reference: TeamPolicy.StoreReference { TeamPolicy.StoreReference(kind: kind, name: name) }
}

extension VendorBody {
    fileprivate var lines: [String] {
        let evidence = [
            ("contact", details.contact), ("source", details.source),
            ("policy document", details.policyDocument ?? ""), ("audit statement", details.auditStatement ?? ""),
            ("publishes under", details.scopes.map(\.rawValue).joined(separator: ", ")),
            ("signs as", details.identities.joined(separator: "; ")),
        ].filter { !$0.1.isEmpty }
        return ["vendor \(name), version \(version): \(details.displayName)"]
            + (removed.map { ["  removed \($0)"] } ?? []) + evidence.map { "  \($0.0): \($0.1)" }
            + ["  registered \(registered) by \(registeredBy) for team \(askedBy)"]
            + ["  review by \(reviewBy)\(reviewDue ? ", overdue" : "")"]
            + anchors.map { "  anchor \($0.kind.rawValue) \($0.sha256): \($0.subject), until \($0.notAfter)" }
            + (uses.isEmpty ? ["  no team uses it"] : uses.map { "  used by \($0.text)" })
    }
}

extension VendorUseBody {
    fileprivate var text: String {
        let fleets = fleets.isEmpty ? "" : " (fleets \(fleets.map(\.rawValue).joined(separator: ", ")))"
        return "team \(team) in \(kind.rawValue)/\(store)\(fleets)"
    }
}
