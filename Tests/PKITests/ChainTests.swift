import Codecs
import PKI
import SigningKeys
import Testing

@Suite struct `Certificate chains` {
    @Test(arguments: [
        (KeyType.ec(.p256), KeyType.ec(.p256)), (.ec(.p384), .ec(.p521)), (.rsa(bits: 2_048), .rsa(bits: 3_072)),
        (.ed25519, .ec(.p256)),
    ])
    func `a chain by the rules is verified`(authority: KeyType, leaf: KeyType) async throws {
        let fixture = try await Fixture(root: authority, intermediate: authority, leaf: leaf)
        #expect(try broken(fixture.chain, at: Fixture.now) == [])
        let tsa = try await Fixture(root: authority, intermediate: authority, leaf: leaf, purpose: .timestamping)
        #expect(try broken(tsa.chain, for: .timestamping, at: Fixture.now) == [])
        #expect(try broken(tsa.chain, for: .codeSigning) == ["0 extended-key-usage"])
        #expect(try broken(fixture.chain, for: .timestamping).contains("0 extended-key-usage"))
    }

    @Test func `the order counts, and the root has to be there`() async throws {
        let f = try await Fixture()
        #expect(try broken([f.leaf, f.intermediate]) == ["1 root-self-signed"])
        #expect(try broken([f.leaf, f.root]) == ["0 issuer-name"])
        #expect(try broken([f.leaf, f.intermediate, f.root, f.root]).contains("2 self-signed-below-root"))
        #expect(try !broken([f.root, f.intermediate, f.leaf]).isEmpty)
        #expect(try !broken([f.intermediate, f.leaf, f.root]).isEmpty)
        #expect(throws: PKIError(.empty, "")) { try UnverifiedChain([]) }
        #expect(throws: PKIError(.limit, "")) { try UnverifiedChain(Array(repeating: f.root, count: 21)) }
    }

    @Test func `an issuer of the right name with another key is refused`() async throws {
        let (f, other) = (try await Fixture(), try await Fixture())
        #expect(try broken([f.leaf, other.intermediate, other.root]) == ["0 issuer-signature"])
        #expect(try broken([f.leaf, f.intermediate, other.root]) == ["1 issuer-signature"])
    }

    @Test func `a root with a broken signature of its own is refused`() async throws {
        let f = try await Fixture()
        var der = f.root.der
        der[der.count - 1] ^= 1
        #expect(try broken([f.leaf, f.intermediate, Certificate(der: der)]) == ["2 root-self-signed"])
    }

    @Test func `both ends of the validity belong to it`() async throws {
        let f = try await Fixture()
        #expect(try broken(f.chain, at: f.leaf.notAfter) == [])
        #expect(try broken(f.chain, at: f.leaf.notAfter.adding(seconds: 1)) == ["0 validity"])
        #expect(try broken(f.chain, at: f.leaf.notBefore) == [])
        let early = f.leaf.notBefore.adding(seconds: -1)
        #expect(try broken(f.chain, at: early) == ["0 validity", "1 validity", "2 validity"])
    }

    @Test(arguments: [
        (CertificateExtension.basicConstraints(isCA: true, isCritical: false), "1 basic-constraints"),
        (.basicConstraints(isCA: false), "1 basic-constraints"), (.keyUsage([.cRLSign]), "1 key-usage"),
        (.keyUsage([.keyCertSign], isCritical: false), "1 key-usage"),
    ])
    func `a CA that is not marked as one is refused`(item: CertificateExtension, rule: String) async throws {
        let f = try await Fixture()
        let intermediate = try await f.intermediate { $0.replace(item) }
        #expect(try broken([f.leaf, intermediate, f.root]) == [rule])
        let bare = try await f.intermediate { $0.remove(item.identifier) }
        #expect(try broken([f.leaf, bare, f.root]) == [rule])
    }

    @Test func `the path length counts every CA below, self-issued ones too`() async throws {
        let f = try await Fixture()
        let root = try await f.root { $0.replace(.basicConstraints(isCA: true, pathLength: 0)) }
        #expect(try broken([f.leaf, f.intermediate, root]) == ["2 path-length"])
        let unbounded = try await f.root { $0.replace(.basicConstraints(isCA: true)) }
        #expect(try broken([f.leaf, f.intermediate, unbounded]) == [])
    }

    @Test(arguments: [
        (CertificateExtension.keyUsage([]), ["0 key-usage"]), (.keyUsage([.contentCommitment]), ["0 key-usage"]),
        (.keyUsage([.digitalSignature], isCritical: false), ["0 key-usage"]),
        (.keyUsage([.digitalSignature, .contentCommitment]), []),
        (.keyUsage([.digitalSignature, .keyEncipherment]), ["0 key-usage"]),
        (.keyUsage([.digitalSignature, .keyCertSign]), ["0 key-usage"]),
        (.keyUsage([.digitalSignature, .decipherOnly]), ["0 key-usage"]),
        (.basicConstraints(isCA: true), ["0 basic-constraints"]), (.basicConstraints(isCA: false), []),
    ])
    func `a signing certificate is for signatures only`(item: CertificateExtension, rules: [String]) async throws {
        let f = try await Fixture()
        let leaf = try await f.leaf { $0.replace(item) }
        #expect(try broken([leaf, f.intermediate, f.root]) == rules)
    }

    @Test func `a signing certificate without key usage is refused, without basic constraints it is not`() async throws
    {
        let f = try await Fixture()
        let noUsage = try await f.leaf { $0.remove(ObjectIdentifier.keyUsage) }
        #expect(try broken([noUsage, f.intermediate, f.root]) == ["0 key-usage"])
        let noConstraints = try await f.leaf { $0.remove(ObjectIdentifier.basicConstraints) }
        #expect(try broken([noConstraints, f.intermediate, f.root]) == [])
    }

    @Test(arguments: [
        ([ObjectIdentifier.codeSigning], true), (["1.2.3.4"], true),
        ([ObjectIdentifier.codeSigning, ObjectIdentifier.anyExtendedKeyUsage], false),
        ([ObjectIdentifier.anyExtendedKeyUsage], false), ([ObjectIdentifier.serverAuth], false),
        ([ObjectIdentifier.clientAuth], false), ([ObjectIdentifier.emailProtection], false),
        ([ObjectIdentifier.codeSigning, ObjectIdentifier.timeStamping], false),
        ([ObjectIdentifier.ocspSigning], false),
    ])
    func `extended key usages that are not for signing code are refused`(purposes: [String], fits: Bool) async throws {
        let f = try await Fixture()
        let leaf = try await f.leaf { $0.replace(try .extendedKeyUsage(purposes)) }
        #expect(try broken([leaf, f.intermediate, f.root]) == (fits ? [] : ["0 extended-key-usage"]))
    }

    @Test func `extended key usage may be absent for code signing`() async throws {
        let f = try await Fixture()
        let leaf = try await f.leaf { $0.remove(ObjectIdentifier.extendedKeyUsage) }
        #expect(try broken([leaf, f.intermediate, f.root]) == [])
        #expect(try broken([leaf, f.intermediate, f.root], for: .timestamping) == ["0 extended-key-usage"])
    }

    @Test func `timestamping needs its extended key usage alone and critical`() async throws {
        let f = try await Fixture(purpose: .timestamping)
        let lax = try await f.leaf { $0.replace(try .extendedKeyUsage([ObjectIdentifier.timeStamping])) }
        #expect(try broken([lax, f.intermediate, f.root], for: .timestamping) == ["0 extended-key-usage"])
        let both = try await f.leaf {
            $0.replace(
                try .extendedKeyUsage([ObjectIdentifier.timeStamping, ObjectIdentifier.codeSigning], isCritical: true))
        }
        #expect(try broken([both, f.intermediate, f.root], for: .timestamping) == ["0 extended-key-usage"])
        let usage = try await f.leaf { $0.replace(.keyUsage([.digitalSignature], isCritical: false)) }
        #expect(try broken([usage, f.intermediate, f.root], for: .timestamping) == [])
    }

    @Test func `unknown critical extensions and other people's rules decide nothing`() async throws {
        let f = try await Fixture()
        let leaf = try await f.leaf {
            $0.extensions.append(.init(identifier: "1.2.3.4.5", isCritical: true, value: [1]))
            $0.remove(ObjectIdentifier.authorityKeyIdentifier)
            $0.replace(.init(identifier: ObjectIdentifier.crlDistributionPoints, isCritical: true, value: [1]))
        }
        #expect(try broken([leaf, f.intermediate, f.root]) == [])
    }

    @Test func `an Ed25519 key does not sign for Notary`() async throws {
        let f = try await Fixture()
        let key = try PrivateKey.generate(.ed25519)
        let leaf = try await f.leaf { $0.publicKeyInfo = key.publicKey.spki }
        #expect(try broken([leaf, f.intermediate, f.root]) == ["0 key"])
    }

    @Test func `a certificate that vouches for itself is a chain of its own`() async throws {
        let key = try PrivateKey.generate(.ec(.p256))
        let certificate = try await CertificateBuilder.selfSignedLeaf(
            subject: DistinguishedName("CN=me,O=Example,ST=WA,C=US"), signer: key,
            validity: .init(from: Fixture.start, days: 100))
        #expect(try broken([certificate], at: Fixture.now) == [])
        let f = try await Fixture()
        #expect(try broken([f.leaf]) == ["0 root-self-signed"])
        #expect(try broken([f.root]).contains("0 basic-constraints"))
    }

    @Test func `any certificate of the chain may be the anchor, byte for byte`() async throws {
        let (f, other) = (try await Fixture(), try await Fixture())
        guard case .verified(let chain) = try UnverifiedChain(f.chain).verified(for: .codeSigning) else {
            Issue.record("the chain is not verified")
            return
        }
        #expect(chain.leaf == f.leaf && chain.root == f.root)
        #expect(chain.anchor(among: [f.root]) == f.root)
        #expect(chain.anchor(among: [f.root, f.intermediate]) == f.intermediate)
        #expect(chain.anchor(among: [other.root]) == nil)
        let reissued = try await f.root { $0.serialNumber = .random() }
        #expect(chain.anchor(among: [reissued]) == nil)
    }

    @Test func `a finding says which certificate and what`() async throws {
        let f = try await Fixture()
        let leaf = try await f.leaf { $0.remove(ObjectIdentifier.keyUsage) }
        guard
            case .rejected(let findings) = try UnverifiedChain([leaf, f.intermediate, f.root]).verified(
                for: .codeSigning)
        else {
            Issue.record("the chain is not rejected")
            return
        }
        #expect(
            findings.map(\.description) == ["certificate 1 (CN=Signer,O=Example,ST=WA,C=US): it has no key usage"])
    }
}
