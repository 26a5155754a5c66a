import Testing

@testable import TrustModel

@Suite struct NotationPolicyTests {
    private func document(_ statements: String...) -> [UInt8] {
        Array(#"{"version":"1.0","trustPolicies":[\#(statements.joined(separator: ","))]}"#.utf8)
    }

    private static func statement(
        name: String = #""a""#, scopes: String = #"["local/app"]"#, verification: String = #"{"level":"strict"}"#,
        stores: String = #"["ca:acme.prod"]"#, identities: String = #"["x509.subject: C=US, ST=WA, O=Acme"]"#
    ) -> String {
        #"{"name":\#(name),"registryScopes":\#(scopes),"signatureVerification":\#(verification),"trustStores":\#(stores),"trustedIdentities":\#(identities)}"#
    }

    @Test func `a whole statement is read`() throws {
        let policy = try NotationPolicy(
            parsing: document(
                Self.statement(
                    verification:
                        #"{"level":"permissive","override":{"expiry":"enforce","revocation":"skip"},"verifyTimestamp":"afterCertExpiry"}"#,
                    stores: #"["ca:acme.prod","tsa:x"]"#)))
        let statement = try #require(policy.statement(for: "local/app"))
        #expect(statement.trustStores.map(\.description) == ["ca:acme.prod", "tsa:x"])
        #expect(statement.timestampRequirement == .afterCertificateExpiry)
        let actions = VerificationCheck.allCases.map { statement.action(for: $0) }
        #expect(actions == [.enforce, .enforce, .enforce, .log, .skip])
    }

    @Test func `an exact scope beats the one for everything`() throws {
        let policy = try NotationPolicy(
            parsing: document(Self.statement(name: #""any""#, scopes: #"["*"]"#), Self.statement(name: #""exact""#)))
        #expect(policy.statement(for: "local/app")?.name == "exact")
        #expect(policy.statement(for: "local/app2")?.name == "any")
        #expect(policy.statement(for: "local/app/sub")?.name == "any")
    }

    @Test func `members that nobody knows and what follows the value are left alone`() throws {
        let text = #"{"version":"1.0","roadstead":{"generation":7},"trustPolicies":[\#(Self.statement())]} rubbish"#
        #expect(try NotationPolicy(parsing: Array(text.utf8)).statements.count == 1)
    }

    @Test func `verification may be skipped for named repositories`() throws {
        let policy = try NotationPolicy(
            parsing: document(Self.statement(verification: #"{"level":"skip"}"#, stores: "[]", identities: "[]")))
        #expect(policy.statement(for: "local/app")?.level == .skip)
    }

    @Test(arguments: [
        statement(name: #""""#), statement(scopes: "[]"), statement(scopes: #"["*","local/app"]"#),
        statement(scopes: #"["local/app","local/app"]"#), statement(scopes: #"["local"]"#),
        statement(scopes: #"["local/*"]"#), statement(scopes: #"["https://local/app"]"#),
        statement(scopes: #"["local/app:v1"]"#),
        statement(scopes: #"["local/App"]"#), statement(verification: "{}"),
        statement(verification: #"{"level":"none"}"#),
        statement(verification: #"{"level":"strict","override":{"integrity":"log"}}"#),
        statement(verification: #"{"level":"strict","override":{"expiry":"skip"}}"#),
        statement(verification: #"{"level":"strict","override":{"authenticity":"skip"}}"#),
        statement(verification: #"{"level":"strict","override":{"expiry":"ignore"}}"#),
        statement(verification: #"{"level":"strict","override":{"unknown":"log"}}"#),
        statement(verification: #"{"level":"strict","verifyTimestamp":"never"}"#),
        statement(verification: #"{"level":"skip"}"#),
        statement(verification: #"{"level":"skip","override":{"expiry":"log"}}"#, stores: "[]", identities: "[]"),
        statement(scopes: #"["*"]"#, verification: #"{"level":"skip"}"#, stores: "[]", identities: "[]"),
        statement(stores: "[]"), statement(stores: #"["acme"]"#), statement(stores: #"["ca:"]"#),
        statement(stores: #"["ca:../x"]"#), statement(stores: #"["ca:.."]"#), statement(stores: #"["CA:x"]"#),
        statement(stores: #"["ca:a b"]"#), statement(identities: "[]"),
        statement(identities: #"["*","x509.subject: C=US, ST=WA, O=A"]"#),
        statement(identities: #"["nobody"]"#), statement(identities: #"["x509.subject: C=US, ST=WA"]"#),
        statement(identities: #"["x509.subject: c=US, st=WA, o=A"]"#), statement(identities: #"["x509.subject:"]"#),
        statement(identities: #"["x509.subject: C=US, ST=WA, O=#1301"]"#),
        statement(identities: #"["x509.subject: C=US+ST=WA, O=A"]"#),
        statement(identities: #"["x509.subject: C=US, ST=WA, O=A, O=B"]"#),
        statement(identities: #"["x509.subject: C=US, ST=WA, O=A","x509.subject: C=US, ST=WA, O=A, OU=b"]"#),
        statement(identities: #"["other: x","other: x"]"#),
    ])
    func `a bad statement makes the whole document unusable`(_ statement: String) {
        #expect(throws: TrustModelError(.policy, "")) {
            try NotationPolicy(
                parsing: document(Self.statement(name: #""good""#, scopes: #"["local/good"]"#), statement))
        }
    }

    @Test func `the error names the statement`() throws {
        let error = #expect(throws: TrustModelError.self) {
            try NotationPolicy(parsing: document(Self.statement(name: #""payments""#, stores: "[]")))
        }
        #expect(error?.reason == #"trust policy statement "payments": it has no trustStores"#)
    }

    @Test(arguments: [
        #"{"version":"1.0","trustPolicies":[]}"#, #"{"trustPolicies":[]}"#, #"{"version":"2.0","trustPolicies":[{}]}"#,
        "[]", "",
        #"{"version":"1.0"}"#, "\u{FEFF}{}", #"{"version":"1.0","version":"1.0","trustPolicies":[]}"#,
    ])
    func `a malformed document is refused`(_ text: String) {
        #expect(throws: TrustModelError(.policy, "")) { try NotationPolicy(parsing: Array(text.utf8)) }
    }

    @Test func `two statements share neither name nor scope`() {
        let one = Self.statement()
        #expect(throws: TrustModelError(.policy, "")) {
            try NotationPolicy(parsing: document(one, Self.statement(scopes: #"["local/b"]"#)))
        }
        #expect(throws: TrustModelError(.policy, "")) {
            try NotationPolicy(parsing: document(one, Self.statement(name: #""b""#)))
        }
    }
}

@Suite struct TrustedIdentityTests {
    private let subject = [
        SubjectAttribute(type: "C", value: "US"), SubjectAttribute(type: "ST", value: "WA"),
        SubjectAttribute(type: "O", value: "Acme, Inc."), SubjectAttribute(type: "OU", value: "team-a"),
        SubjectAttribute(type: "CN", value: "builder"),
    ]

    @Test(arguments: [
        "*", #"x509.subject: C=US, ST=WA, O=Acme\, Inc."#, #"x509.subject:C=US,ST=WA,O=Acme\2c Inc."#,
        #"x509.subject: OU=team-a, O=Acme\, Inc. , S=WA, C=US"#,
    ])
    func `an identity matches a subject with all its attributes`(_ text: String) throws {
        #expect(try TrustedIdentity(text).matches(subject: subject))
    }

    @Test(arguments: [
        #"x509.subject: C=US, ST=WA, O=Acme\, inc."#, #"x509.subject: C=US, ST=WA, O=Acme\, Inc., L=Seattle"#,
        #"x509.subject: C=US, ST=WA, O=Acme\, Inc., OU=team-b"#, "spiffe: C=US", "x509.san: C=US, ST=WA, O=Acme",
    ])
    func `an identity with another or an unknown attribute does not match`(_ text: String) throws {
        #expect(try !TrustedIdentity(text).matches(subject: subject))
    }

    @Test func `a subject that names an attribute twice never matches`() throws {
        let twice = subject + [SubjectAttribute(type: "OU", value: "team-b")]
        #expect(try !TrustedIdentity(#"x509.subject: C=US, ST=WA, O=Acme\, Inc."#).matches(subject: twice))
    }

    @Test func `values are compared by bytes, not by Unicode equivalence`() throws {
        let composed = [
            SubjectAttribute(type: "C", value: "DE"), SubjectAttribute(type: "ST", value: "BY"),
            SubjectAttribute(type: "O", value: "M\u{FC}nchen"),
        ]
        #expect(try !TrustedIdentity("x509.subject: C=DE, ST=BY, O=Mu\u{308}nchen").matches(subject: composed))
        #expect(try TrustedIdentity("x509.subject: C=DE, ST=BY, O=M\u{FC}nchen").matches(subject: composed))
    }

    @Test(arguments: [
        "C", "=US", "C=", "C=US,", ",C=US", #"C=US\"#, #"C=US\2"#, #"C=US\zz"#, #"C="US""#, "C=US;ST=WA", "C=US<",
        #"C=\ff"#,
    ])
    func `a malformed name is refused`(_ text: String) {
        #expect(throws: TrustModelError(.policy, "")) { try DistinguishedNameText.parse(text) }
    }

    @Test func `escaped blanks at the ends are kept`() throws {
        #expect(try DistinguishedNameText.parse(#"CN=\ a b\  , O= x "#).map(\.value) == [" a b ", "x"])
    }
}
