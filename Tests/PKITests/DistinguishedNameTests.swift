import Codecs
import PKI
import Testing

@Suite struct `Distinguished names` {
    @Test(arguments: [
        "CN=Signer,O=Example,ST=WA,C=US", "OU=Sales+CN=J.  Smith,DC=example,DC=net",
        #"CN=James \"Jim\" Smith\, III,C=US"#,
        #"CN=Before\0dAfter,C=US"#, #"CN=Lučić,C=HR"#, "CN=\\#hash\\ ,C=US", #"CN=\ lead,O=a\+b\;c\<d\>e\\f,C=US"#,
        "1.3.6.1.4.1.1466.0=#04024869,C=US",
    ])
    func `a text comes out as it went in`(text: String) throws {
        #expect(try DistinguishedName(text).description == text)
    }

    @Test func `the encoding holds the most significant part first, and reads back`() throws {
        let name = try DistinguishedName("CN=Signer, O=Example , ST=WA,C=US")
        #expect(name.attributes.compactMap(\.value) == ["US", "WA", "Example", "Signer"])
        #expect(name.values(of: .organization) == ["Example"])
        let read = try DistinguishedName(DERReader.single(name.der, .sequence))
        #expect(read == name)
        #expect(read.description == "CN=Signer,O=Example,ST=WA,C=US")
        #expect(
            name
                == (try DistinguishedName([
                    (.country, "US"), (.stateOrProvince, "WA"), (.organization, "Example"), (.commonName, "Signer"),
                ])))
    }

    @Test func `S is understood as ST`() throws {
        #expect(try DistinguishedName("S=WA,C=US") == DistinguishedName("ST=WA,C=US"))
    }

    @Test(arguments: [
        "", "CN", "CN=a,", ",CN=a", "CN=a,,O=b", "cn=a", "XX=a", "CN=", "CN=#0401", "1.2.x=#0500", "1.2.3=#05",
        "CN=a\"b", "CN=a;b", "CN=a<b", #"CN=a\"#, #"CN=a\z"#, #"CN=\ff"#, "C=\u{FC}",
    ])
    func `a text that is no name is refused`(text: String) {
        #expect(throws: PKIError.self) { try DistinguishedName(text) }
    }

    @Test func `names that differ in case, spaces and string types only are equal`() throws {
        func name(_ tag: DERTag, _ text: String) throws -> DistinguishedName {
            let attribute = DER.sequence(try DER.objectIdentifier("2.5.4.3"), DER.element(tag, Array(text.utf8)))
            return try DistinguishedName(DERReader.single(DER.sequence(DER.set(of: [attribute])), .sequence))
        }
        let plain = try name(.utf8String, "Example Root")
        #expect(try name(.printableString, "  EXAMPLE   root ") == plain)
        #expect(try name(.teletexString, "example root") == plain)
        #expect(try name(.utf8String, "Example  Root 2") != plain)
        #expect(try name(.octetString, "Example Root") != plain)
        #expect(try name(.utf8String, "\u{C9}") != name(.utf8String, "\u{E9}"))
    }

    @Test func `order and grouping of parts count`() throws {
        #expect(try DistinguishedName("CN=a,O=b") != DistinguishedName("O=b,CN=a"))
        #expect(try DistinguishedName("CN=a+O=b") != DistinguishedName("CN=a,O=b"))
        #expect(try DistinguishedName("CN=a+O=b") == DistinguishedName("O=b+CN=a"))
        #expect(try DistinguishedName("CN=a+O=b").hasMultiValuedPart)
    }

    @Test func `nothing in a name steers a terminal`() throws {
        let name = try DistinguishedName([(.commonName, "a\u{1B}[31mb\u{202E}c\u{200B}")])
        #expect(name.description == #"CN=a\1b[31mb\e2\80\aec\e2\80\8b"#)
        #expect(try DistinguishedName(name.description) == name)
    }

    @Test func `a name with ten thousand parts is refused`() throws {
        let attribute = DER.set(of: [
            DER.sequence(try DER.objectIdentifier("2.5.4.3"), DER.element(.utf8String, [0x61]))
        ])
        let der = DER.sequence(of: Array(repeating: attribute, count: 10_000))
        #expect(throws: PKIError(.limit, "")) { try DistinguishedName(DERReader.single(der, .sequence)) }
    }

    @Test func `text that is not of its type is refused`() throws {
        let attribute = DER.sequence(try DER.objectIdentifier("2.5.4.3"), DER.element(.utf8String, [0xFF, 0xFE]))
        let der = DER.sequence(DER.set(of: [attribute]))
        #expect(throws: PKIError(.name, "")) { try DistinguishedName(DERReader.single(der, .sequence)) }
    }
}
