import Codecs
import Files
import PKI
package import TrustModel

/// A Notation configuration directory: the trust policy, and the trust stores that it names.
package struct NotationConfiguration: Sendable {
    package static let maximumPolicyBytes = 8 << 20
    package static let maximumStoreFileBytes = 8 << 20

    private let path: String

    package init(_ path: String) { self.path = path }

    /// Reads `trustpolicy.oci.json`, or where that is absent `trustpolicy.json`. A symbolic link is refused.
    package func trustPolicy() throws -> NotationPolicy {
        let names = ["trustpolicy.oci.json", "trustpolicy.json"].map { "\(path)/\($0)" }
        guard let file = names.first(where: { (try? Files.status($0)) != nil }) else {
            throw CommandError(
                .environment, "there is no trust policy in \(path)",
                hint: "put a trustpolicy.json there, or name another directory with --config")
        }
        return try Self.document(file) { bytes throws(TrustModelError) in try NotationPolicy(parsing: bytes) }
    }

    /// Reads `trustpolicy.blob.json`. A symbolic link is refused.
    package func blobPolicy() throws -> NotationBlobPolicy {
        let file = "\(path)/trustpolicy.blob.json"
        guard (try? Files.status(file)) != nil else {
            throw CommandError(
                .environment, "there is no trust policy for blobs in \(path)",
                hint: "put a trustpolicy.blob.json there, or name another directory with --config")
        }
        return try Self.document(file) { bytes throws(TrustModelError) in try NotationBlobPolicy(parsing: bytes) }
    }

    private static func document<Policy>(
        _ file: String, parse: ([UInt8]) throws(TrustModelError) -> Policy
    ) throws -> Policy {
        let bytes = try Files.read(file, limit: maximumPolicyBytes, links: .refused)
        do throws(TrustModelError) { return try parse(bytes) } catch {
            throw CommandError(.environment, "\(file) cannot be used: \(error.reason)", hint: error.hint)
        }
    }

    /// Reads a store: every file in it is a certificate or a PEM bundle; sub-directories are left alone.
    package func trustStore(_ store: NamedStore) -> TrustStore {
        let directory = "\(path)/truststore/x509/\(store.kind.rawValue)/\(store.name)"
        do {
            guard try Files.status(directory).kind == .directory else {
                return TrustStore(store, problem: "\(directory) is not a directory")
            }
            var anchors: [TrustStore.Anchor] = []
            for name in try Files.list(directory, limit: 10_000) {
                let file = "\(directory)/\(name)"
                guard try Files.status(file).kind != .directory else { continue }
                let bytes = try Files.read(file, limit: Self.maximumStoreFileBytes, links: .refused)
                anchors += try CertificateFile.certificates(in: bytes, file: file).map { TrustStore.Anchor($0) }
            }
            guard !anchors.isEmpty else { return TrustStore(store, problem: "\(directory) holds no certificate") }
            return TrustStore(store, anchors: anchors)
        } catch {
            return TrustStore(store, problem: "\(error)")
        }
    }
}
