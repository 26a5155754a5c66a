import CloudKeys
import Codecs
import Files
import NIOSSL
import ReleaseCriteria
import SigningKeys

/// Requests to one signing service, over connections that are kept.
final class SignerConnection: Sendable {
    private let address: SignerAddress
    private let access: SignerAccess
    private let transport: HTTPKeyTransport
    private let deadline: Duration

    static let maximumBytes = 4 << 20
    /// How often a service that has too much to do is asked again.
    static let attempts = 4

    init(_ address: SignerAddress, _ access: SignerAccess, deadline: Duration) throws {
        guard !access.isPlain || address.isLoopback else {
            throw SignerClientError(
                .configuration, "\(address.authority) would be spoken to in the clear", hint: "use HTTPS")
        }
        self.address = address
        self.access = access
        self.deadline = deadline
        transport = HTTPKeyTransport(tls: try Self.tls(access))
    }

    func key() async throws -> SigningKeyBody {
        try await answer(.get, "/v1/keys/\(address.key)", body: nil).decode(place: "answer")
    }

    func sign(
        _ body: SigningRequestBody, dryRun: Bool, onDecision: (SigningDecisionBody) -> Void
    ) async throws -> SigningAnswerBody {
        let path = "/v1/keys/\(address.key)/sign" + (dryRun ? "?dryRun=true" : "")
        let tree = try await answer(.post, path, body: try JSON(encoding: body).bytes, onDecision: onDecision)
        let answer: SigningAnswerBody = try tree.decode(place: "answer")
        onDecision(answer.decision)
        return answer
    }

    /// A denial in words, one criterion after the other.
    static func denial(_ decision: SigningDecisionBody) -> KeyError {
        let missing = decision.findings.filter { !$0.holds }.map {
            "\($0.criterion): wanted \($0.wanted), found \($0.found)"
        }
        return KeyError(
            .denied, "the signing service refuses: \(missing.joined(separator: "; "))",
            hint: decision.ignored.isEmpty
                ? nil : "not counted: \(decision.ignored.map(CriterionFinding.shown).joined(separator: "; "))")
    }

    /// One request; again, with growing pauses, only while the service says that it has too much to do.
    private func answer(
        _ method: KeyServiceRequest.Method, _ path: String, body: [UInt8]?,
        onDecision: (SigningDecisionBody) -> Void = { _ in }
    ) async throws -> JSON {
        let end = ContinuousClock.now + deadline
        for attempt in 1... {
            let (status, tree) = try await exchange(method, path, body, until: end)
            if status == 200 { return tree }
            let problem = tree.objectOrNil ?? JSONObject()
            if status == 403, let decision = problem["decision"] {
                let decision: SigningDecisionBody = try decision.decode(place: "decision")
                onDecision(decision)
                throw Self.denial(decision)
            }
            let pause = Duration.milliseconds(250 << attempt)
            guard status == 503, attempt < Self.attempts, .now + pause < end else {
                throw refusal(status, problem)
            }
            try await Task.sleep(for: pause)
        }
        throw SignerClientError(.away, "\(address.authority) gave no answer")
    }

    private func refusal(_ status: Int, _ problem: JSONObject) -> SignerClientError {
        let detail = CriterionFinding.shown(problem["detail"]?.stringOrNil ?? "status \(status)")
        let reason = "\(address.authority) answers: \(detail)"
        let hint = problem["hint"]?.stringOrNil.map(CriterionFinding.shown)
        return switch status {
        case 401:
            SignerClientError(
                .unauthenticated, reason,
                hint: "set ROADSTEAD_SIGNER_TOKEN_FILE, or ROADSTEAD_SIGNER_CERTIFICATE and ROADSTEAD_SIGNER_KEY")
        case 429, 503: SignerClientError(.away, reason, hint: hint)
        case 400..<500: SignerClientError(.refused, reason, hint: hint)
        default: SignerClientError(.answer, reason, hint: hint)
        }
    }

    private func exchange(
        _ method: KeyServiceRequest.Method, _ path: String, _ body: [UInt8]?, until end: ContinuousClock.Instant
    ) async throws -> (status: Int, tree: JSON) {
        var headers = [(name: "Accept", value: "application/json")]
        if let token = try access.bearer() {
            let text = token.withBytes { String(decoding: $0, as: UTF8.self) }
            headers.append((name: "Authorization", value: "Bearer \(text)"))
        }
        if body != nil { headers.append((name: "Content-Type", value: "application/json")) }
        let request = KeyServiceRequest(
            method, "\(access.isPlain ? "http" : "https")://\(address.authority)\(path)", headers: headers,
            body: body ?? [], maximumBytes: Self.maximumBytes, timeout: end - .now)
        do {
            let response = try await transport.send(request)
            return (response.status, try JSON(parsing: response.body))
        } catch let error as CodecError {
            throw SignerClientError(.answer, "\(address.authority) answers no JSON: \(error.reason)")
        } catch let error as CloudKeyError {
            throw SignerClientError(
                error.code == .answer ? .answer : .away, error.reason,
                hint: "is it a roadstead-signer, and does ROADSTEAD_SIGNER_CA name its authority?")
        }
    }

    private static func tls(_ access: SignerAccess) throws -> TLSConfiguration {
        var tls = TLSConfiguration.makeClientConfiguration()
        tls.minimumTLSVersion = .tlsv12
        do {
            if let authority = access.authority {
                tls.trustRoots = .certificates(try NIOSSLCertificate.fromPEMFile(authority))
            }
            if let certificate = access.certificate, let key = access.key {
                tls.certificateChain = try NIOSSLCertificate.fromPEMFile(certificate).map { .certificate($0) }
                let pem = try Files.readSecret(key)
                tls.privateKey = .privateKey(try NIOSSLPrivateKey(bytes: pem, format: .pem))
            }
        } catch let error as FileError {
            throw SignerClientError(.configuration, error.reason, hint: error.hint)
        } catch {
            throw SignerClientError(
                .configuration, "the files of the signing service's authority, certificate or key cannot be used",
                hint: "PEM files; the key belongs to the first certificate")
        }
        return tls
    }
}
