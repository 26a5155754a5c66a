import Codecs
import Envelopes
import OCI
import PKI
import SigningKeys
import TrustModel

/// An artifact's signatures as a person reads them: a tree of artifacts, signatures and chains.
struct ArtifactText {
    enum Detail: Sendable { case short, full }

    let detail: Detail
    let now: UTCDate

    func show(_ view: ArtifactView, on console: Console) {
        for line in lines(view) { console.print(line) }
    }

    private func lines(_ view: ArtifactView) -> [String] {
        let kind = MediaType.isIndex(view.artifact.mediaType) ? "index" : "manifest"
        var children = view.signatures.map(lines)
        if view.signatures.isEmpty { children.append(["not signed"]) }
        children += view.manifests.map(lines)
        return ["\(kind) \(view.shown)"] + Self.tree(children)
    }

    private func lines(_ view: SignatureView) -> [String] {
        let signer = view.certificates.first.flatMap(\.self)?.subjectText ?? "nobody who can be named"
        var lines = ["signature \(view.manifest)", "by \(signer)"]
        if let problem = view.problem { lines.append("does not hold: \(problem)") }
        guard detail == .full, let envelope = view.envelope else {
            if let expiry = view.envelope?.attributes.expiry, expiry <= now { lines.append("expired \(expiry)") }
            return Self.indented(lines)
        }
        lines += facts(envelope)
        lines += view.metadata.sorted { $0.key < $1.key }.map { "states \($0.key)=\($0.value)" }
        return Self.indented(lines) + chain(view.certificates)
    }

    private func facts(_ envelope: UnverifiedEnvelope) -> [String] {
        var lines = ["\(envelope.format.rawValue) envelope, \(envelope.algorithm.rawValue)"]
        if let time = envelope.attributes.signingTime { lines.append("signed at \(time) by its own account") }
        if let time = envelope.attributes.authenticSigningTime {
            lines.append("signed at \(time), says the signing authority")
        }
        if let expiry = envelope.attributes.expiry {
            lines.append(expiry <= now ? "expired \(expiry)" : "counts until \(expiry)")
        }
        lines.append(envelope.timestampSignature.map(Self.timestamp) ?? "no timestamp")
        if let agent = envelope.signingAgent { lines.append("made with \(agent)") }
        return lines
    }

    private static func timestamp(_ token: [UInt8]) -> String {
        do throws(PKIError) {
            let timestamp = try UnverifiedTimestamp(der: token)
            let authority = timestamp.certificates.first.map { " by \($0.subjectText)" } ?? ""
            return "timestamped at \(timestamp.info.time)\(authority), not verified here"
        } catch { return "its timestamp cannot be read: \(error.reason)" }
    }

    private func chain(_ certificates: [Certificate?]) -> [String] {
        certificates.enumerated().flatMap { depth, certificate -> [String] in
            let margin = String(repeating: "  ", count: depth + 1)
            guard let certificate else { return ["\(margin)└ not a certificate"] }
            let key = certificate.publicKey?.type.description ?? "key not supported"
            let state = certificate.isValid(at: now) ? "" : ", not valid now"
            return [
                "\(margin)└ \(certificate.subjectText)",
                "\(margin)  \(key), valid \(certificate.notBefore) to \(certificate.notAfter)\(state)",
                "\(margin)  SHA-256 \(certificate.sha256)",
            ]
        }
    }

    private static func indented(_ lines: [String]) -> [String] {
        lines.prefix(1) + lines.dropFirst().map { "  \($0)" }
    }

    /// Each child's first line hangs on a branch, the others stand below it.
    private static func tree(_ children: [[String]]) -> [String] {
        children.enumerated().flatMap { index, lines -> [String] in
            let isLast = index == children.count - 1
            return lines.enumerated().map { line, text in
                (line == 0 ? (isLast ? "└ " : "├ ") : (isLast ? "  " : "│ ")) + text
            }
        }
    }
}
