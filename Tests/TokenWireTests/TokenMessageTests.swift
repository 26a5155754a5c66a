import Testing
import TokenWire

@Suite struct TokenMessageTests {
    private static let key = TokenKeyDescription(
        label: "root", id: [1, 2], kind: .ed25519, spki: [0x30, 0x2A], isPrivate: true, wantsPINEachTime: false)
    private static let requests: [TokenRequest] = [
        .open("pkcs11:token=a"), .logIn(pin: [0x31], allowsLastTries: true), .logIn(pin: nil, allowsLastTries: false),
        .list("pkcs11:token=a"), .find("pkcs11:token=a;object=b"), .generate(.p256, label: "k", id: [7]),
        .generate(.ed25519, label: "k", id: nil),
        .sign(signature([UInt8](repeating: 7, count: 70_000), pin: nil)),
        .sign(signature([], pin: [0x31])), .generate(.rsa(bits: 4_096), label: "k", id: nil),
        .generate(.p521, label: "k", id: nil), .certificates(id: nil, subject: nil),
        .certificates(id: [1], subject: [2, 3]), .storeCertificate(certificate),
        .storeKey(.p384, label: "k", id: [1], numbers: [[1, 2], [3]]),
    ]
    private static let certificate = TokenCertificate(
        label: "c", id: [1], der: [2, 3], subject: [4], issuer: [5], serialNumber: [2, 1, 9])

    private static func signature(
        _ bytes: [UInt8], mechanism: TokenMechanism = .pssSHA384, pin: [UInt8]?
    ) -> TokenSignatureRequest {
        TokenSignatureRequest(uri: "pkcs11:token=a", spki: [1], mechanism: mechanism, bytes: bytes, pin: pin)
    }
    private static let responses: [TokenResponse] = [
        .done,
        .token(
            TokenDescription(
                label: "a", serial: "b", manufacturer: "c", model: "d", requiresLogin: true, hasOwnKeypad: false)),
        .keys([], skipped: []), .keys([key, key], skipped: ["an RSA key"]), .key(key),
        .signature([UInt8](repeating: 1, count: 64)), .failure(code: "key", reason: "none", hint: nil),
        .failure(code: "key", reason: "none", hint: "make one"), .certificates([], skipped: ["one"]),
        .certificates([certificate, certificate], skipped: []),
    ]

    /// Takes a frame apart as its receiver does.
    private static func message(_ frame: [UInt8]) throws -> [UInt8] {
        let count = try Frame.length(Array(frame.prefix(Frame.headerBytes)))
        try #require(frame.count == Frame.headerBytes + count)
        return Array(frame.dropFirst(Frame.headerBytes))
    }

    @Test(arguments: requests) func `a request arrives as it was sent`(request: TokenRequest) throws {
        #expect(try TokenRequest(message: Self.message(request.frame())) == request)
    }

    @Test(arguments: responses) func `an answer arrives as it was sent`(response: TokenResponse) throws {
        #expect(try TokenResponse(message: Self.message(response.frame())) == response)
    }

    @Test func `a message cut anywhere, or with a byte more, is refused`() throws {
        for request in Self.requests.filter({ $0 != Self.requests[7] }) {
            let whole = try Self.message(request.frame())
            for count in whole.indices {
                #expect(throws: TokenError(.wire, "")) { try TokenRequest(message: Array(whole.prefix(count))) }
            }
            #expect(throws: TokenError(.wire, "")) { try TokenRequest(message: whole + [0]) }
        }
        for response in Self.responses {
            let whole = try Self.message(response.frame())
            for count in whole.indices {
                #expect(throws: TokenError(.wire, "")) { try TokenResponse(message: Array(whole.prefix(count))) }
            }
            #expect(throws: TokenError(.wire, "")) { try TokenResponse(message: whole + [0]) }
        }
    }

    @Test func `a length of nothing, or above the limit, is refused before anything is read`() {
        for header: [UInt8] in [[0, 0, 0, 0], [0xFF, 0xFF, 0xFF, 0xFF], [0x00, 0x80, 0x00, 0x01], [0, 0, 1], []] {
            #expect(throws: TokenError(.wire, "")) { try Frame.length(header) }
        }
        #expect(throws: TokenError(.wire, "")) {
            try TokenRequest.sign(Self.signature([UInt8](repeating: 0, count: Frame.maximumBytes), pin: nil)).frame()
        }
    }

    @Test func `fields above their own limits are refused`() throws {
        let long: [TokenRequest] = [
            .open(String(repeating: "a", count: 4_097)),
            .logIn(pin: [UInt8](repeating: 1, count: 257), allowsLastTries: false),
            .generate(.p256, label: String(repeating: "a", count: 256), id: nil),
            .generate(.p256, label: "a", id: [UInt8](repeating: 1, count: 256)),
            .sign(
                TokenSignatureRequest(
                    uri: "a", spki: [UInt8](repeating: 1, count: 2_049), mechanism: .ecdsa, bytes: [], pin: nil)),
            .storeCertificate(TokenCertificate(label: "c", id: [], der: [UInt8](repeating: 1, count: 16_385))),
            .storeKey(.p256, label: "k", id: [1], numbers: [[UInt8]](repeating: [1], count: 9)),
            .storeKey(.rsa(bits: 8_192), label: "k", id: [1], numbers: [[UInt8](repeating: 1, count: 1_101)]),
        ]
        for request in long {
            let message = try Self.message(request.frame())
            #expect(throws: TokenError(.wire, "")) { try TokenRequest(message: message) }
        }
    }

    @Test func `text without an end is cut to what a message may hold, however it is written`() throws {
        let marks = "e" + String(repeating: "\u{301}", count: 60_000)
        let long = [String(repeating: "a", count: 60_000), marks, String(repeating: "👩‍👩‍👧‍👦", count: 5_000)]
        let failure = TokenResponse(TokenError(.failed, marks, hint: marks))
        for response in [failure, .keys([], skipped: long), .certificates([], skipped: long)] {
            _ = try TokenResponse(message: try Self.message(response.frame()))
        }
    }

    @Test func `garbage is an error and never a crash`() {
        var random = SplitMix(state: 7)
        var taken = 0
        for _ in 0..<20_000 {
            var bytes = (0..<Int(random.next() % 60)).map { _ in UInt8(truncatingIfNeeded: random.next()) }
            if let first = bytes.first { bytes[0] = first % 11 }
            for index in bytes.indices.dropFirst() where random.next() % 2 == 0 { bytes[index] %= 3 }
            if (try? TokenRequest(message: bytes)) != nil { taken += 1 }
            if (try? TokenResponse(message: bytes)) != nil { taken += 1 }
        }
        #expect(taken < 20_000)
    }
}

/// The same numbers in every run.
private struct SplitMix {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }
}
