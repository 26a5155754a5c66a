import Codecs
import Foundation
import PKI
import SigningKeys
import TestVectors
import Testing
import TimestampAuthority

@Suite struct `Timestamps` {
    private static let now = Fixture.now
    private static let message = Array("a signature".utf8)

    /// What happens to an answer to a request for `message`, changed on its way.
    private func outcome(
        authority: TimestampAuthority? = nil, roots: [Certificate]? = nil, policy: String? = nil,
        over message: [UInt8] = Self.message, change: (inout TokenDraft) throws -> Void = { _ in }
    ) async throws -> Result<VerifiedTimestamp, PKIError> {
        let made = try await TimestampAuthority(from: Fixture.start)
        let authority = authority ?? made
        let request = try TimestampRequest(over: Self.message, hash: .sha256, policy: policy)
        let answer = try await authority.answer(to: request.der, at: Self.now, change: change)
        return Result { () throws(PKIError) in
            try request.timestamp(in: answer).verified(over: message, roots: roots ?? [authority.root])
        }
    }

    @Test func `a timestamp that answers the request is verified up to the root`() async throws {
        let timestamp = try await outcome().get()
        #expect(timestamp.time == Self.now && timestamp.earliest == Self.now && timestamp.latest == Self.now)
        #expect(timestamp.chain.certificates.count == 2 && timestamp.hash == .sha256)
        #expect(timestamp.policy == "1.3.6.1.4.1.99999.1")
    }

    @Test func `accuracy and parts of seconds widen the bounds`() async throws {
        let timestamp = try await outcome { draft in
            draft.time = String(draft.time.dropLast()) + ".25Z"
            draft.accuracy = DER.sequence(
                DER.integer(2), DER.element(.context(0, constructed: false), [0x01, 0xF4]),
                DER.element(.context(1, constructed: false), [1]))
        }.get()
        #expect(timestamp.time == Self.now)
        #expect(timestamp.earliest == Self.now.adding(seconds: -3))
        #expect(timestamp.latest == Self.now.adding(seconds: 3))
    }

    @Test func `the best practices policy promises one second`() async throws {
        let timestamp = try await outcome { $0.policy = "0.4.0.2023.1.1" }.get()
        #expect(timestamp.latest == Self.now.adding(seconds: 1))
    }

    struct Trap: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let code: PKIError.Code
        let change: @Sendable (inout TokenDraft) throws -> Void
    }

    private static let traps = [
        Trap(testDescription: "another nonce", code: .timestampMismatch) { $0.nonce = [1, 2, 3] },
        Trap(testDescription: "no nonce", code: .timestampMismatch) { $0.nonce = nil },
        Trap(testDescription: "another imprint", code: .timestampMismatch) { $0.imprint[0] ^= 1 },
        Trap(testDescription: "an imprint of another hash", code: .malformed) { $0.hash = .sha384 },
        Trap(testDescription: "another content type", code: .malformed) { $0.contentType = "1.2.840.113549.1.7.1" },
        Trap(testDescription: "an unknown version", code: .malformed) { $0.version = 2 },
        Trap(testDescription: "a time without seconds", code: .malformed) { $0.time = "202611221038Z" },
        Trap(testDescription: "a fraction that ends with a zero", code: .malformed) { $0.time = "20261122103800.10Z" },
        Trap(testDescription: "an accuracy of days", code: .limit) { $0.accuracy = DER.sequence(DER.integer(86_401)) },
        Trap(testDescription: "milliseconds beyond 999", code: .malformed) {
            $0.accuracy = DER.sequence(DER.element(.context(0, constructed: false), [0x03, 0xE8]))
        },
        Trap(testDescription: "a critical extension", code: .malformed) { draft in
            let item = DER.sequence(try DER.objectIdentifier("1.2.3"), DER.boolean(true), DER.octetString([5, 0]))
            draft.tail = [DER.element(.context(1, constructed: true), item)]
        },
        Trap(testDescription: "another authority's name", code: .timestampSignature) { draft in
            let name = DER.explicit(4, try DistinguishedName("CN=Somebody else").der)
            draft.tail = [DER.explicit(0, name)]
        },
        Trap(testDescription: "no signer", code: .timestampSignature) { $0.signers = 0 },
        Trap(testDescription: "two signers", code: .timestampSignature) { $0.signers = 2 },
        Trap(testDescription: "no certificates", code: .timestampSignature) { $0.certificates = [] },
        Trap(testDescription: "a bag of certificates", code: .limit) { draft in
            draft.certificates = Array(repeating: draft.signer, count: 17)
        },
        Trap(testDescription: "another key's signature", code: .timestampSignature) {
            $0.key = try PrivateKey.generate(.ec(.p256))
        },
        Trap(testDescription: "another certificate named", code: .timestampSignature) { draft in
            draft.namedCertificate = draft.certificates[1]
        },
        Trap(testDescription: "no certificate named", code: .timestampSignature) { draft in
            draft.attributes = Array(try draft.properAttributes(over: try draft.content()).prefix(2))
        },
        Trap(testDescription: "no digest", code: .timestampSignature) { draft in
            let proper = try draft.properAttributes(over: try draft.content())
            draft.attributes = [proper[0], proper[2]]
        },
        Trap(testDescription: "no content type", code: .timestampSignature) { draft in
            draft.attributes = Array(try draft.properAttributes(over: try draft.content()).dropFirst())
        },
        Trap(testDescription: "an attribute twice", code: .timestampSignature) { draft in
            let proper = try draft.properAttributes(over: try draft.content())
            draft.attributes = proper + [proper[1]]
        },
        Trap(testDescription: "two digests in one attribute", code: .timestampSignature) { draft in
            let proper = try draft.properAttributes(over: try draft.content())
            let digest = DER.octetString(HashAlgorithm.sha256.digest(of: try draft.content()))
            let two = try TokenDraft.attribute(
                "1.2.840.113549.1.9.4", digest, DER.octetString([UInt8](repeating: 1, count: 32)))
            draft.attributes = [proper[0], two, proper[2]]
        },
        Trap(testDescription: "the digest of other content", code: .timestampSignature) { draft in
            draft.attributes = try draft.properAttributes(over: [1, 2, 3])
        },
    ]

    @Test(arguments: traps)
    func `a spoilt timestamp is refused`(_ trap: Trap) async throws {
        switch try await outcome(change: trap.change) {
        case .success: Issue.record("taken")
        case .failure(let error): #expect(error.code == trap.code, "\(error)")
        }
    }

    @Test func `a timestamp of other bytes is refused`() async throws {
        let outcome = try await outcome(over: Array("another signature".utf8))
        #expect(outcome.code == .timestampMismatch)
    }

    @Test func `a policy that was asked for must be the timestamp's`() async throws {
        let asked = try await outcome(policy: "1.2.3.4")
        #expect(asked.code == nil)
        let given = try await outcome(policy: "1.2.3.4") { $0.policy = "1.2.3.5" }
        #expect(given.code == .timestampMismatch)
    }

    @Test func `a root that was renewed is believed, whichever of its certificates comes first`() async throws {
        let authority = try await TimestampAuthority(from: Fixture.start)
        var template = CertificateTemplate(copying: authority.root)
        template.notBefore = Fixture.start.adding(days: -3_650)
        template.notAfter = Fixture.start
        let old = try await template.signed(by: authority.rootKey)
        for roots in [[old, authority.root], [authority.root, old]] {
            let timestamp = try await outcome(authority: authority, roots: roots).get()
            #expect(timestamp.chain.certificates.last == authority.root)
        }
        let expired = try await outcome(authority: authority, roots: [old])
        #expect(expired.code == .timestampUntrusted)
    }

    @Test func `an authority below another root is not believed`() async throws {
        let other = try await TimestampAuthority(from: Fixture.start)
        let outcome = try await outcome(roots: [other.root])
        #expect(outcome.code == .timestampUntrusted)
        let none = try await self.outcome(roots: [])
        #expect(none.code == .timestampUntrusted)
    }

    @Test func `an authority's certificate must be valid at the time that it names`() async throws {
        let expired = try await TimestampAuthority(from: Fixture.start, days: 29)
        let outcome = try await outcome(authority: expired)
        #expect(outcome.code == .timestampUntrusted)
        let early = try await TimestampAuthority(from: Self.now.adding(days: 1))
        let before = try await self.outcome(authority: early)
        #expect(before.code == .timestampUntrusted)
    }

    private static let uses: [(String, @Sendable (inout CertificateTemplate) throws -> Void)] = [
        ("not critical", { $0.replace(try .extendedKeyUsage([ObjectIdentifier.timeStamping])) }),
        ("absent", { $0.remove(ObjectIdentifier.extendedKeyUsage) }),
        (
            "with another beside it",
            {
                $0.replace(
                    try .extendedKeyUsage(
                        [ObjectIdentifier.timeStamping, ObjectIdentifier.codeSigning], isCritical: true))
            }
        ),
        ("for code", { $0.replace(try .extendedKeyUsage([ObjectIdentifier.codeSigning], isCritical: true)) }),
        ("of a CA", { $0.replace(.basicConstraints(isCA: true)) }),
    ]

    @Test(arguments: uses.indices)
    func `an authority's certificate is for timestamps, critically, and for nothing else`(_ index: Int) async throws {
        let spoilt = try await TimestampAuthority(from: Fixture.start, spoil: Self.uses[index].1)
        let outcome = try await outcome(authority: spoilt)
        #expect(outcome.code == .timestampUntrusted, "\(Self.uses[index].0)")
    }

    @Test func `the certificates of a token may be in any order, with strangers among them`() async throws {
        let other = try await TimestampAuthority(from: Fixture.start)
        let outcome = try await outcome { draft in
            draft.certificates = [other.root, other.certificate] + draft.certificates.reversed()
        }
        #expect(outcome.code == nil)
    }

    @Test func `a refusal says why`() async throws {
        let request = try TimestampRequest(over: Self.message, hash: .sha256)
        let refusal = TimestampAuthority.refusal("no such policy here")
        do {
            _ = try request.timestamp(in: refusal)
            Issue.record("taken")
        } catch {
            #expect(error.code == .timestampRefused)
            #expect(error.reason.contains("unknown policy") && error.reason.contains("no such policy here"))
        }
    }

    @Test func `what is no answer, or no whole one, is refused`() async throws {
        let authority = try await TimestampAuthority(from: Fixture.start)
        let request = try TimestampRequest(over: Self.message, hash: .sha256)
        let answer = try await authority.answer(to: request.der, at: Self.now)
        for bytes in [[], Array("<html>".utf8), Array(answer.dropLast()), answer + [0], [0x30, 0x80, 0, 0]] {
            #expect(throws: PKIError(.malformed, "")) { try request.timestamp(in: bytes) }
        }
        let large = [UInt8](repeating: 0x30, count: TimestampResponse.maximumBytes + 1)
        #expect(throws: PKIError(.limit, "")) { try request.timestamp(in: large) }
        let granted = DER.sequence(DER.sequence(DER.integer(0)))
        #expect(throws: PKIError(.malformed, "")) { try request.timestamp(in: granted) }
    }

    @Test func `no change of one byte of a token is taken`() async throws {
        let authority = try await TimestampAuthority(from: Fixture.start)
        let token = try await authority.token(over: Self.message, at: Self.now)
        let proper = try UnverifiedTimestamp(der: token).verified(over: Self.message, roots: [authority.root])
        #expect(proper.time == Self.now)
        // The root's copy in the bag decides nothing, and neither do the lists of algorithms beside the signer.
        let span = try #require(token.firstRange(of: authority.root.der))
        var taken: [Int] = []
        for index in token.indices where !span.contains(index) {
            var changed = token
            changed[index] ^= 0x01
            if (try? UnverifiedTimestamp(der: changed).verified(over: Self.message, roots: [authority.root])) != nil {
                taken.append(index)
            }
        }
        #expect(taken.count <= 16, "\(taken)")
    }
}

extension Result where Failure == PKIError {
    fileprivate var code: PKIError.Code? { if case .failure(let error) = self { error.code } else { nil } }
}

/// Timestamps that others made, and made wrongly.
@Suite struct `Timestamp conformance` {
    @Test func `every token of the collection is judged as it should be`() throws {
        guard let cases = try TestVectors.cases("x509/tsa.jsonl.gz") else { return }
        var judged = 0
        for json in cases {
            let object = try json.object("case")
            let input = try object.object("in", in: "case")
            let expected = try object.string("expect", in: "case")
            guard expected != "either" else { continue }
            let id = try object.string("id", in: "case")
            let why = verdict(input)
            #expect((why == nil) == (expected == "valid"), "\(id): \(why ?? "taken")")
            judged += 1
        }
        #expect(judged == 40)
    }

    /// Nil for a token that is taken.
    private func verdict(_ input: JSONObject) -> String? {
        do {
            let roots = try Certificate.parse(pemOrDER: Array(try input.string("roots", in: "in").utf8))
            let token = try Hex.decode(try input.string("token", in: "in"))
            let timestamp = try UnverifiedTimestamp(der: token)
            let message = Array((input["message"]?.stringOrNil ?? "").utf8)
            let verified = try timestamp.verified(over: message, roots: roots)
            let at = input["at"]?.integerOrNil.map { UTCDate(seconds: $0) } ?? verified.time
            return verified.chain.validityFindings(at: at).first?.description
        } catch {
            return "\(error)"
        }
    }

    private static let keys: [KeyType] = [.rsa(bits: 2_048), .rsa(bits: 3_072), .ec(.p256), .ec(.p384), .ec(.p521)]

    @Test(arguments: keys, HashAlgorithm.allCases)
    func `timestamps of openssl are verified`(_ type: KeyType, _ hash: HashAlgorithm) async throws {
        let start = UTCDate(seconds: Int64(Date().timeIntervalSince1970) - 3_600)
        let authority = try await TimestampAuthority(type, from: start)
        let message = Array("a signature".utf8)
        try await TestVectors.withTemporaryFolder { folder in
            for form in ["sha1", "sha256", "sha512"] {
                let openssl = try OpenSSLAuthority(
                    authority, in: folder, options: ["ess_cert_id_alg": form, "signer_digest": hash.rawValue])
                let request = try TimestampRequest(over: message, hash: hash, policy: "1.3.6.1.4.1.99999.2")
                let timestamp = try request.timestamp(in: try openssl.answer(to: request.der))
                    .verified(over: message, roots: [authority.root])
                #expect(timestamp.hash == hash && timestamp.policy == "1.3.6.1.4.1.99999.2")
                #expect(timestamp.earliest < timestamp.time && timestamp.time < timestamp.latest)
            }
        }
    }

    @Test func `openssl refuses what it does not do, and says so`() async throws {
        let start = UTCDate(seconds: Int64(Date().timeIntervalSince1970) - 3_600)
        let authority = try await TimestampAuthority(from: start)
        try await TestVectors.withTemporaryFolder { folder in
            let openssl = try OpenSSLAuthority(authority, in: folder, options: ["digests": "sha384"])
            let request = try TimestampRequest(over: [1], hash: .sha256)
            let answer = try openssl.answer(to: request.der)
            #expect(throws: PKIError(.timestampRefused, "")) { try request.timestamp(in: answer) }
        }
    }
}
