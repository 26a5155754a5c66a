import ArgumentParser
import Codecs
import PKI
import RoadsteadWire
import TrustModel

/// What is said of a vendor; for one that is registered, what is left out stays.
struct VendorDetailOptions: ParsableArguments {
    @Option(help: "What people call it.") var displayName: String?
    @Option(help: "Whom to call when something is wrong with its signatures.") var contact: String?
    @Option(help: "https address where its anchors are from.") var source: String?
    @Option(help: "https address of the policy under which it signs.") var policyDocument: String?
    @Option(help: "https address of what an auditor says of its keys.") var auditStatement: String?
    @Option(help: "A registry scope under which it publishes; once for each.", transform: RegistryScope.init)
    var scope: [RegistryScope] = []
    @Option(help: "Who it signs as, such as 'x509.subject: C=US, O=Acme'; once for each.") var identity: [String] = []
    @Option(help: "When somebody must look at it again, as 2027-12-31.", transform: day)
    var reviewBy: UTCDate?

    func details(over present: VendorDetails?) throws -> VendorDetails {
        func require(_ text: String?, _ option: String) throws -> String {
            guard let text else { throw RemoteError(.usage, "a new vendor needs --\(option)") }
            return text
        }
        guard let reviewBy = reviewBy ?? present?.reviewBy else {
            throw RemoteError(.usage, "a new vendor needs --review-by")
        }
        return try VendorDetails(
            displayName: try require(displayName ?? present?.displayName, "display-name"),
            contact: try require(contact ?? present?.contact, "contact"),
            source: try require(source ?? present?.source, "source"),
            policyDocument: policyDocument ?? present?.policyDocument,
            auditStatement: auditStatement ?? present?.auditStatement,
            scopes: scope.isEmpty ? present?.scopes ?? [] : scope,
            identities: identity.isEmpty ? present?.identities ?? [] : identity,
            reviewBy: reviewBy)
    }
}

/// A day, as 2027-12-31, at its first moment.
@Sendable func day(_ text: String) throws -> UTCDate { try UTCDate("\(text)T00:00:00Z") }

/// The anchors that a person brings, each with a fingerprint that came another way.
struct VendorAnchorOptions: ParsableArguments {
    @Option(help: "PEM file with one anchor, or - for standard input; once for each.") var certificate: [String] = []
    @Option(help: "SHA-256 of an anchor, as the vendor tells it elsewhere; once for each certificate, in their order.")
    var fingerprint: [String] = []
    @Option(name: [.customLong("type")], help: "ca, signingAuthority or tsa, for all certificates given here.")
    var kind = TrustStoreKind.ca
    @Option(help: "An image of the vendor whose signatures say which roots it has, as HOST/REPOSITORY:TAG.")
    var fromImage: String?
    @Option(name: [.customLong("oci-layout")], help: "The same from an OCI image layout, as DIR@sha256:….")
    var layout: String?
    @Flag(help: "Speak plain HTTP with a registry on this machine.") var plainHTTP = false

    func anchors() async throws -> [VendorAnchor] {
        try fileAnchors() + (try await imageAnchors())
    }

    /// The roots of the chains that signed an image, those whose fingerprint somebody confirms.
    private func imageAnchors() async throws -> [VendorAnchor] {
        var chains: [FoundChain] = []
        if let fromImage { chains += try await SignedImage.chains(ofImage: fromImage, plainHTTP: plainHTTP) }
        if let layout { chains += try SignedImage.chains(ofLayout: layout) }
        for chain in chains {
            // The root's fingerprint is for the person to bring: shown here, it would only be copied.
            Terminal.note("signed by \(chain.leaf.subject), sha256 \(chain.leaf.sha256)")
            Terminal.note("  under the root \(chain.root.subject), until \(chain.root.notAfter)")
        }
        let typed = fingerprint.dropFirst(certificate.count).map(plainFingerprint)
        guard !typed.isEmpty else {
            return try chains.map { chain in
                try VendorAnchor(
                    kind: .ca, certificate: chain.root.der, typed: try askForFingerprint(of: chain.root))
            }
        }
        if let stranger = typed.first(where: { print in !chains.contains { $0.root.sha256 == print } }) {
            throw RemoteError(
                .mismatch, "no signature of the image is under a root with the fingerprint \(stranger.prefix(64))",
                hint: "the image is signed by somebody else than you were told, or the fingerprint is wrong")
        }
        return try chains.filter { typed.contains($0.root.sha256) }.map {
            try VendorAnchor(kind: .ca, certificate: $0.root.der, typed: $0.root.sha256)
        }
    }

    private func fileAnchors() throws -> [VendorAnchor] {
        let certificates = try certificate.map { path in
            try Certificate(pemOrDER: Array(try readText(path).utf8))
        }
        guard fingerprint.isEmpty || fingerprint.count >= certificates.count else {
            throw RemoteError(
                .usage, "\(certificates.count) certificates and \(fingerprint.count) fingerprints are given",
                hint:
                    "give one --fingerprint for each --certificate, in the same order, then those of the image's roots")
        }
        return try certificates.enumerated().map { index, certificate in
            let typed = try fingerprint.isEmpty ? askForFingerprint(of: certificate) : fingerprint[index]
            return try VendorAnchor(kind: kind, certificate: certificate.der, typed: typed)
        }
    }
}

/// Asks for the fingerprint on the terminal; it is not shown, so that it comes from elsewhere.
func askForFingerprint(of certificate: Certificate) throws -> String {
    Terminal.note("\(certificate.subject), until \(certificate.notAfter)")
    guard let typed = Terminal.ask("SHA-256 of this certificate, as the vendor tells it elsewhere: ") else {
        throw RemoteError(
            .usage, "nobody can type the fingerprint of \(certificate.subject) here",
            hint: "give it with --fingerprint, taken from the vendor by another way than the certificate")
    }
    return typed
}

extension VendorCommand {
    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Propose a vendor.",
            discussion: "Two people must approve it, one of them from outside the team that asks.")
        @Argument(transform: VendorName.init) var name: VendorName
        @Option(help: "The team that asks.", transform: TeamName.init) var team: TeamName
        @OptionGroup var anchors: VendorAnchorOptions
        @OptionGroup var details: VendorDetailOptions
        @OptionGroup var why: ReasonOptions
        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            let operation = try SetVendor(
                vendor: name, askedBy: team, details: try details.details(over: nil),
                anchors: try await anchors.anchors())
            try await propose([.governed(operation)], team: nil, why, connection)
        }
    }

    struct Set: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Propose another state of a vendor; what is not named stays.",
            discussion: "It takes the approvals that registering takes. Anchors given here are added.")
        @Argument(transform: VendorName.init) var name: VendorName
        @Option(help: "The team that asks.", transform: TeamName.init) var team: TeamName
        @OptionGroup var anchors: VendorAnchorOptions
        @Option(help: "SHA-256 of an anchor to leave out from now on; once for each.") var drop: [String] = []
        @OptionGroup var details: VendorDetailOptions
        @OptionGroup var why: ReasonOptions
        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            let vendor = try await fetchVendor(name, connection)
            let gone = drop.map(plainFingerprint)
            let kept = try vendor.anchors.filter { !gone.contains($0.sha256) }.map { anchor in
                let certificate = try Certificate(pemOrDER: Array(anchor.certificate.utf8))
                return try VendorAnchor(kind: anchor.kind, certificate: certificate.der, typed: anchor.sha256)
            }
            let operation = try SetVendor(
                vendor: name, askedBy: team, version: vendor.version,
                details: try details.details(over: vendor.details),
                anchors: kept + (try await anchors.anchors()))
            try await propose([.governed(operation)], team: nil, why, connection)
        }
    }
}
