package import Codecs
package import OCI
package import SigningKeys

/// An envelope as it came, and from where; neither is believed.
package struct EvidencePiece: Sendable {
    /// In words, such as `evidence 1` for what was handed over, or the address of a manifest in a registry.
    package let origin: String
    package let content: JSON

    package init(origin: String, content: JSON) {
        self.origin = origin
        self.content = content
    }
}

/// The statements about one artifact that trusted attesters signed, and why the others do not count.
package struct Evidence: Sendable {
    /// A statement with those who vouch for it.
    package struct Item: Sendable {
        package let statement: Statement
        /// Each key once.
        package fileprivate(set) var vouchers: [(attester: Attester, key: PublicKey)]
        /// SHA-256 over the signed bytes, hexadecimal: names the statement whatever its signatures.
        package let identifier: String
        /// Where it came from; the same statement may come from several places.
        fileprivate var origins: [String]

        /// The same statement came once more, maybe with other signatures.
        fileprivate mutating func add(_ other: Item) {
            for voucher in other.vouchers where !vouchers.contains(where: { $0.key == voucher.key }) {
                vouchers.append(voucher)
            }
            origins += other.origins
        }

        fileprivate var shown: String {
            let names = vouchers.map(\.attester.name).joined(separator: ", ")
            return CriterionFinding.shown(
                "\(origins.joined(separator: " and ")): \(statement.predicateType), signed by \(names)")
        }
    }

    package let items: [Item]
    /// In words, what was handed over or found and does not count.
    package let ignored: [String]
    /// In words, what does: where each statement came from, what it is and who signed it.
    package var shown: [String] { items.map(\.shown) }

    package static let maximumPieces = 32
    /// Signatures tried in one request at most, whatever is handed over.
    static let maximumTries = 512

    /// - Throws: `.limit` for more pieces than are read. A piece that cannot be read is ignored, and said.
    package init(
        _ pieces: [EvidencePiece], about artifact: Digest, attesters: [Attester], at now: UTCDate
    ) throws(CriteriaError) {
        guard pieces.count <= Self.maximumPieces else {
            throw CriteriaError(
                .limit, "\(pieces.count) pieces of evidence were given, at most \(Self.maximumPieces) are read")
        }
        var (items, ignored): ([Item], [String]) = ([], [])
        var search = Search(attesters: attesters, chains: ChainChecks(at: now))
        for piece in pieces {
            do throws(CriteriaError) {
                let item = try search.item(piece, artifact)
                if let index = items.firstIndex(where: { $0.identifier == item.identifier }) {
                    items[index].add(item)
                } else {
                    items.append(item)
                }
            } catch {
                ignored.append(CriterionFinding.shown("\(piece.origin): \(error.reason)"))
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

    mutating func item(_ piece: EvidencePiece, _ artifact: Digest) throws(CriteriaError) -> Evidence.Item {
        let envelope = try DSSEEnvelope(bundled: piece.content)
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
        return Evidence.Item(
            statement: statement, vouchers: vouchers, identifier: identifier, origins: [piece.origin])
    }
}
