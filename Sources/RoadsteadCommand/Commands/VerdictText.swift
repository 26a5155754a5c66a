import Envelopes
import OCI
import TrustModel

/// A verdict in words.
struct VerdictText {
    private let verdict: ArtifactVerdict
    private let name: String

    init(_ verdict: ArtifactVerdict, scope: String) {
        self.verdict = verdict
        name = "\(scope)@\(verdict.artifact.digest)"
    }

    func show(on console: Console) {
        if verdict.isAccepted { showAccepted(on: console) } else { showRejected(on: console) }
    }

    private func showAccepted(on console: Console) {
        console.print("verified \(name)")
        console.print("  by statement \"\(verdict.statement)\" (\(verdict.level.rawValue))")
        for signature in verdict.signatures where signature.isAccepted {
            if let signer = signature.chain.first { console.print("  signed by \(signer)") }
            if let root = signature.chain.last, signature.chain.count > 1 { console.print("  under \(root)") }
            if let store = signature.store { console.print("  trusted through \(store)") }
            if let time = signature.signingTime {
                let isAuthority = signature.signingScheme == SigningScheme.signingAuthority.rawValue
                console.print(
                    "  signed at \(time)" + (isAuthority ? ", as its signing authority says" : " by its own account"))
            }
            if let time = signature.timestamp, let authority = signature.timestampAuthority {
                console.print("  timestamped at \(time) by \(authority)")
            }
            if let expiry = signature.expiry { console.print("  counts until \(expiry)") }
            for (key, value) in signature.metadata.sorted(by: { $0.key < $1.key }) {
                console.print("  states \(key)=\(value)")
            }
            for finding in signature.findings where finding.weight == .warns { warn(finding, on: console) }
        }
        for finding in verdict.findings {
            finding.weight == .warns ? warn(finding, on: console) : console.say(finding.found)
        }
    }

    private func showRejected(on console: Console) {
        let own = verdict.findings.filter { $0.weight == .rejects }
        let rejections = own + verdict.signatures.compactMap { $0.findings.first { $0.weight == .rejects } }
        console.say("rejected: \(name): \(rejections.first?.found ?? "no signature counts")")
        console.hint(rejections.first?.hint)
        for signature in verdict.signatures {
            let label = signature.manifest.map { "signature \($0)" } ?? "the signature"
            if signature.isAccepted {
                console.say("\(label): accepted, trusted through \(signature.store?.description ?? "-")")
            }
            for finding in signature.findings where finding.weight != .informs {
                console.say("\(label): \(finding.weight == .warns ? "warning: " : "")\(finding.found)")
            }
        }
        for finding in verdict.findings where finding != rejections.first {
            console.say(finding.found)
            console.hint(finding.hint)
        }
    }

    private func warn(_ finding: Finding, on console: Console) {
        console.say("warning: \(finding.found)")
        console.hint(finding.hint)
    }
}
