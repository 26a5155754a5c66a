import Testing
import TokenWire

@Suite struct TokenURITests {
    @Test func `a key is named by token and object`() throws {
        let uri = try TokenURI("pkcs11:token=Ops%20Room;serial=0a1b;object=root-1;id=%01%ff;type=private")
        #expect(uri.token == "Ops Room")
        #expect(uri.serial == "0a1b")
        #expect(uri.object == "root-1")
        #expect(uri.id == [0x01, 0xFF])
        #expect(uri.type == .private)
        #expect(uri.namesToken && uri.namesObject)
    }

    @Test func `written out again it is in one order, without the place of its PIN`() throws {
        let uri = try TokenURI("pkcs11:object=a%2Fb;token=T;x-vendor=1?pin-source=file:/etc/pin&x-other=2")
        #expect(uri.pinFile == "/etc/pin")
        #expect(uri.description == "pkcs11:token=T;object=a%2Fb")
        #expect(try TokenURI(uri.description).object == "a/b")
        #expect(uri.tokenOnly.description == "pkcs11:token=T")
    }

    @Test func `a URI made from what a token says reads back the same`() throws {
        let made = TokenURI(token: "Ölkanne; 7", serial: "00 1", object: "k=v", id: [0, 0x25])
        #expect(try TokenURI(made.description) == made)
    }

    @Test(arguments: [
        "", "pkcs11", "PKCS11:token=a", "file:/etc/passwd", "pkcs11:token", "pkcs11:=a", "pkcs11:token=",
        "pkcs11:token=a;", "pkcs11:;token=a", "pkcs11:token=a;token=b", "pkcs11:token=a;object=b;token=a",
        "pkcs11:foo=bar", "pkcs11:Token=a", "pkcs11:x-=1", "pkcs11:token=a b", "pkcs11:token=%4", "pkcs11:token=%zz",
        "pkcs11:token=a%00b", "pkcs11:token=%ff", "pkcs11:token=a%0Ab", "pkcs11:token=a/b", "pkcs11:type=cert",
        "pkcs11:slot-id=3", "pkcs11:library-version=2", "pkcs11:token=123456789012345678901234567890123",
        "pkcs11:serial=12345678901234567", "pkcs11:token=a?", "pkcs11:token=a?pin-value=1234",
        "pkcs11:token=a?module-path=/tmp/evil.so", "pkcs11:token=a?module-name=evil", "pkcs11:module-path=/tmp/evil.so",
        "pkcs11:token=a?pin-source=%7Ccat", "pkcs11:token=a?pin-source=|cat", "pkcs11:token=a?pin-source=file:pin",
        "pkcs11:token=a?pin-source=file://host/pin", "pkcs11:token=a?pin-source=file:/a&pin-source=file:/b",
        "pkcs11:token=a?object=b", "pkcs11:token=é", "pkcs11:id=" + String(repeating: "%00", count: 256),
        "pkcs11:x-a=1;x-a=2", "pkcs11:object=" + String(repeating: "a", count: 4_096),
    ])
    func `what could mean another key, load code or show a PIN is refused`(text: String) {
        #expect(throws: TokenError(.uri, "")) { try TokenURI(text) }
    }

    @Test func `a refused PIN is not repeated in what is said about it`() {
        do {
            _ = try TokenURI("pkcs11:token=a?pin-value=987654")
            Issue.record("taken")
        } catch { #expect(!"\(error)".contains("987654")) }
    }
}
