import Codecs
import Logging
import Observability
import RoadsteadPublish
import RoadsteadStore
import RoadsteadWire
import SigningKeys
import TrustModel

extension HostController {
    /// Takes in what a host holds when it is ahead of the database.
    ///
    /// Nothing is kept, and no fleet stops, unless the fleet's own keys have signed what the host shows.
    func showMetadata(_ call: Call, _ envelope: HostMetadataEnvelope) async throws {
        try await gate.admit(call.request, call.context, now: call.now)
        let host = try await hosts.host(try call.number("id"))
        let (bytes, signature) = try await signed(envelope.metadata, envelope.signature, by: host, call)
        let metadata = try HostMetadata(verifiedBytes: bytes)
        guard metadata.host == "\(host.id)" else {
            throw ServerError(.request, "the metadata is of host \"\(metadata.host.prefix(40))\", not of this one")
        }
        let evidence = try MetadataEvidence(metadata, of: host.name)
        guard
            let finding = try await RestoreWatch(database: hosts.files).finding(
                evidence, of: host.fleet, host.fleetID, onOwnDisk: false)
        else {
            throw ServerError(
                .request, "nothing in it is signed by this fleet's keys and newer than what is known here",
                hint: "the server goes on as before; look at that host")
        }
        try await keep(finding, bytes, signature, host, call.now)
    }

    private func keep(
        _ finding: RestoreWatch.Finding, _ bytes: [UInt8], _ signature: [UInt8], _ host: HostRecord, _ now: UTCDate
    ) async throws {
        let timestamp = finding.branch.timestamp
        let evidence = HostEvidence(
            bytes: bytes, signature: signature, timestampVersion: timestamp.version,
            timestampSHA256: Hex.encode(HashAlgorithm.sha256.digest(of: timestamp.bytes)))
        guard try await hosts.keepEvidence(evidence, reason: finding.sentence, from: host, now: now) else { return }
        logger.error(
            "publishing has stopped: a host is ahead of the database",
            metadata: [
                LogKey.fleet.rawValue: "\(host.fleet)", LogKey.host.rawValue: "\(host.id)",
                LogKey.reason.rawValue: "\(finding.sentence)",
                LogKey.hint.rawValue: "roadstead-server recover --fleet \(host.fleet)",
            ])
    }
}

extension MetadataEvidence {
    /// What a host showed, taken apart and not believed.
    init(_ metadata: HostMetadata, of host: String) throws {
        var (roots, files): ([[UInt8]], [String: [UInt8]]) = ([], [:])
        for (role, text) in metadata.files {
            let bytes = try Base64.decode(text)
            if role == "root" || role.hasSuffix(".root") { roots.append(bytes) } else { files[role] = bytes }
        }
        self.init(
            source: "host \(host)", roots: roots, files: files,
            targets: try metadata.targets.values.map { try Base64.decode($0) })
    }
}

extension HaltBody {
    init(_ halt: HaltRecord) {
        self.init(fleet: halt.fleet, source: halt.source.rawValue, reason: halt.reason, since: halt.noticed)
    }
}
