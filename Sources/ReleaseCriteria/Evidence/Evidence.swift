package import Codecs
package import OCI
package import SigningKeys

/// The statements about one artifact that trusted attesters signed, and why the others do not count.
package struct Evidence: Sendable {
    /// A statement with those who vouch for it.
    package struct Item: Sendable {
        package let statement: Statement
        /// Each key once.
        package fileprivate(set) var vouchers: [(attester: Attester, key: PublicKey)]
        /// SHA-256 over the signed bytes, hexadecimal: names the statement whatever its signatures.
        package let identifier: String

        /// The same statement came with other signatures too.
        fileprivate mutating func add(_ others: [(attester: Attester, key: PublicKey)]) {
            for other in others where !vouchers.contains(where: { $0.key == other.key }) { vouchers.append(other) }
        }
    }

    package let items: [Item]
    /// In words, what was handed over and does not count.
    package let ignored: [String]

    package static let maximumPieces = 32
    /// Signatures tried in one request at most, whatever is handed over.
    static let maximumTries = 512

    /// - Throws: `.limit` for more pieces than are read. A piece that cannot be read is ignored, and said.
    package init(
        _ pieces: [JSON], about artifact: Digest, attesters: [Attester], at now: UTCDate
    ) throws(CriteriaError) {
        guard pieces.count <= Self.maximumPieces else {
            throw CriteriaError(
                .limit, "\(pieces.count) pieces of evidence were handed over, at most \(Self.maximumPieces) are read")
        }
        var (items, ignored): ([Item], [String]) = ([], [])
        var search = Search(attesters: attesters, chains: ChainChecks(at: now))
        for (index, piece) in pieces.enumerated() {
            do throws(CriteriaError) {
                let envelope = try DSSEEnvelope(piece)
                let item = try search.item(envelope, artifact)
                if let index = items.firstIndex(where: { $0.identifier == item.identifier }) {
                    items[index].add(item.vouchers)
                } else {
                    items.append(item)
                }
            } catch {
                ignored.append("evidence \(index + 1): " + CriterionFinding.shown(error.reason))
            }
        }
        self.items = items
        self.ignored = ignored
    }
}

/// The search for those who vouch, over all evidence of one request.
private struct Search {
    let attesters: [Attester]
    var chains: ChainChecks
    private var tries = 0
    /// A key speaks for one attester only, whatever certificates it has.
    private var owners: [PublicKey: String] = [:]

    init(attesters: [Attester], chains: ChainChecks) {
        self.attesters = attesters
        self.chains = chains
    }

    mutating func item(_ envelope: DSSEEnvelope, _ artifact: Digest) throws(CriteriaError) -> Evidence.Item {
        let statement = try Statement(envelope)
        guard statement.isAbout(artifact) else {
            throw CriteriaError(.statement, "it is about another artifact")
        }
        let message = envelope.signedBytes
        var vouchers: [(attester: Attester, key: PublicKey)] = []
        for signature in envelope.signatures {
            for attester in attesters {
                tries += 1
                guard tries <= Evidence.maximumTries else {
                    throw CriteriaError(.limit, "the evidence has more signatures than are tried in one request")
                }
                guard let key = try attester.key(of: signature, over: message, &chains),
                    owners[key, default: attester.name] == attester.name
                else { continue }
                owners[key] = attester.name
                if !vouchers.contains(where: { $0.key == key }) { vouchers.append((attester, key)) }
            }
        }
        guard !vouchers.isEmpty else { throw CriteriaError(.statement, "no attester of this key signed it") }
        let identifier = Hex.encode(HashAlgorithm.sha256.digest(of: message))
        return Evidence.Item(statement: statement, vouchers: vouchers, identifier: identifier)
    }
}
