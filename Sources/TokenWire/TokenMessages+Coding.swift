extension TokenRequest {
    /// The frame to send.
    package func frame() throws(TokenError) -> [UInt8] { try Frame.encode(encoded) }

    private var encoded: [UInt8] {
        var writer: FieldWriter
        switch self {
        case .open(let uri):
            writer = FieldWriter(kind: 1)
            writer.write(uri)
        case .logIn(let pin, let allowsLastTries):
            writer = FieldWriter(kind: 2)
            writer.write(pin)
            writer.write(allowsLastTries)
        case .list(let uri):
            writer = FieldWriter(kind: 3)
            writer.write(uri)
        case .find(let uri):
            writer = FieldWriter(kind: 4)
            writer.write(uri)
        case .generate(let kind, let label, let id):
            writer = FieldWriter(kind: 5)
            writer.write(kind)
            writer.write(label)
            writer.write(id)
        case .sign(let request):
            writer = FieldWriter(kind: 6)
            writer.write(request.uri)
            writer.write(request.spki)
            writer.write([request.mechanism.rawValue])
            writer.write(request.bytes)
            writer.write(request.pin)
        case .certificates(let id, let subject):
            writer = FieldWriter(kind: 7)
            writer.write(id)
            writer.write(subject)
        case .storeCertificate(let certificate):
            writer = FieldWriter(kind: 8)
            writer.write(certificate)
        case .storeKey(let kind, let label, let id, let numbers):
            writer = FieldWriter(kind: 9)
            writer.write(kind)
            writer.write(label)
            writer.write(id)
            writer.write(Frame.bigEndian(numbers.count))
            for number in numbers { writer.write(number) }
        }
        return writer.bytes
    }

    package init(message: [UInt8]) throws(TokenError) {
        var reader = try FieldReader(message)
        switch reader.kind {
        case 1: self = .open(try reader.text(atMost: MessageLimit.uri))
        case 2:
            let pin = try reader.optionalBytes(atMost: MessageLimit.pin)
            self = .logIn(pin: pin, allowsLastTries: try reader.flag())
        case 3: self = .list(try reader.text(atMost: MessageLimit.uri))
        case 4: self = .find(try reader.text(atMost: MessageLimit.uri))
        case 5:
            let kind = try reader.keyKind()
            let label = try reader.text(atMost: MessageLimit.label)
            self = .generate(kind, label: label, id: try reader.optionalBytes(atMost: MessageLimit.id))
        case 6: self = .sign(try reader.signatureRequest())
        case 7:
            let id = try reader.optionalBytes(atMost: MessageLimit.text)
            self = .certificates(id: id, subject: try reader.optionalBytes(atMost: MessageLimit.certificate))
        case 8: self = .storeCertificate(try reader.certificate())
        case 9:
            let kind = try reader.keyKind()
            let label = try reader.text(atMost: MessageLimit.label)
            let id = try reader.bytes(atMost: MessageLimit.id)
            var numbers: [[UInt8]] = []
            for _ in 0..<(try reader.count(atMost: 8)) {
                numbers.append(try reader.bytes(atMost: MessageLimit.number))
            }
            self = .storeKey(kind, label: label, id: id, numbers: numbers)
        default: throw TokenError(.wire, "a request is of kind \(reader.kind), which is not known")
        }
        try reader.end()
    }
}

extension TokenResponse {
    /// The frame to send.
    package func frame() throws(TokenError) -> [UInt8] { try Frame.encode(encoded) }

    /// What says that something went wrong, cut to what a message may hold.
    package init(_ error: TokenError) {
        self = .failure(
            code: error.code.rawValue, reason: Self.cut(error.reason), hint: error.hint.map(Self.cut))
    }

    private var encoded: [UInt8] {
        var writer: FieldWriter
        switch self {
        case .done: writer = FieldWriter(kind: 1)
        case .token(let token):
            writer = FieldWriter(kind: 2)
            for text in [token.label, token.serial, token.manufacturer, token.model] { writer.write(text) }
            writer.write(token.requiresLogin)
            writer.write(token.hasOwnKeypad)
        case .keys(let keys, let skipped):
            writer = FieldWriter(kind: 3)
            writer.write(Frame.bigEndian(keys.count))
            for key in keys { writer.write(key) }
            writer.write(Frame.bigEndian(skipped.count))
            for text in skipped { writer.write(Self.cut(text)) }
        case .key(let key):
            writer = FieldWriter(kind: 4)
            writer.write(key)
        case .signature(let bytes):
            writer = FieldWriter(kind: 5)
            writer.write(bytes)
        case .certificates(let certificates, let skipped):
            writer = FieldWriter(kind: 7)
            writer.write(Frame.bigEndian(certificates.count))
            for certificate in certificates { writer.write(certificate) }
            writer.write(Frame.bigEndian(skipped.count))
            for text in skipped { writer.write(Self.cut(text)) }
        case .failure(let code, let reason, let hint):
            writer = FieldWriter(kind: 6)
            writer.write(code)
            writer.write(reason)
            writer.write(hint)
        }
        return writer.bytes
    }

    package init(message: [UInt8]) throws(TokenError) {
        var reader = try FieldReader(message)
        switch reader.kind {
        case 1: self = .done
        case 2:
            let texts = [try reader.text(), try reader.text(), try reader.text(), try reader.text()]
            let requiresLogin = try reader.flag()
            self = .token(
                TokenDescription(
                    label: texts[0], serial: texts[1], manufacturer: texts[2], model: texts[3],
                    requiresLogin: requiresLogin, hasOwnKeypad: try reader.flag()))
        case 3:
            var keys: [TokenKeyDescription] = []
            for _ in 0..<(try reader.count(atMost: MessageLimit.keys)) { keys.append(try reader.key()) }
            self = .keys(keys, skipped: try reader.texts())
        case 4: self = .key(try reader.key())
        case 5: self = .signature(try reader.bytes(atMost: MessageLimit.signature))
        case 6:
            let code = try reader.text(atMost: 64)
            let reason = try reader.text(atMost: MessageLimit.text)
            self = .failure(code: code, reason: reason, hint: try reader.optionalText(atMost: MessageLimit.text))
        case 7:
            var certificates: [TokenCertificate] = []
            for _ in 0..<(try reader.count(atMost: MessageLimit.certificates)) {
                certificates.append(try reader.certificate())
            }
            self = .certificates(certificates, skipped: try reader.texts())
        default: throw TokenError(.wire, "an answer is of kind \(reader.kind), which is not known")
        }
        try reader.end()
    }

    /// By scalars, of which four bytes are the most: a character has no limit.
    private static func cut(_ text: String) -> String {
        text.utf8.count <= 2_000 ? text : String(text.unicodeScalars.prefix(500))
    }
}

extension FieldWriter {
    fileprivate mutating func write(_ key: TokenKeyDescription) {
        write(key.label)
        write(key.id)
        write(key.kind)
        write(key.spki)
        write(key.isPrivate)
        write(key.wantsPINEachTime)
    }

    /// One byte for the kind, and two for the size of an RSA key.
    fileprivate mutating func write(_ kind: TokenKeyKind) {
        switch kind {
        case .ed25519: write([1])
        case .p256: write([2])
        case .p384: write([3])
        case .p521: write([4])
        case .rsa(let bits): write([5, UInt8(truncatingIfNeeded: bits >> 8), UInt8(truncatingIfNeeded: bits)])
        }
    }

    fileprivate mutating func write(_ certificate: TokenCertificate) {
        write(certificate.label)
        for field in [
            certificate.id, certificate.der, certificate.subject, certificate.issuer, certificate.serialNumber,
        ] {
            write(field)
        }
    }
}

extension FieldReader {
    fileprivate mutating func keyKind() throws(TokenError) -> TokenKeyKind {
        let raw = try bytes(atMost: 3)
        switch raw.first {
        case 1 where raw.count == 1: return .ed25519
        case 2 where raw.count == 1: return .p256
        case 3 where raw.count == 1: return .p384
        case 4 where raw.count == 1: return .p521
        case 5 where raw.count == 3: return .rsa(bits: Int(raw[1]) << 8 | Int(raw[2]))
        default: throw TokenError(.wire, "a message names a kind of key that is not known")
        }
    }

    fileprivate mutating func key() throws(TokenError) -> TokenKeyDescription {
        let label = try text(atMost: MessageLimit.text)
        let id = try bytes(atMost: MessageLimit.id)
        let kind = try keyKind()
        let spki = try bytes(atMost: MessageLimit.spki)
        let isPrivate = try flag()
        return TokenKeyDescription(
            label: label, id: id, kind: kind, spki: spki, isPrivate: isPrivate, wantsPINEachTime: try flag())
    }

    fileprivate mutating func signatureRequest() throws(TokenError) -> TokenSignatureRequest {
        let uri = try text(atMost: MessageLimit.uri)
        let spki = try bytes(atMost: MessageLimit.spki)
        guard let mechanism = try bytes(atMost: 1).first.flatMap(TokenMechanism.init(rawValue:)) else {
            throw TokenError(.wire, "a message names a mechanism that is not known")
        }
        let data = try bytes(atMost: MessageLimit.data)
        return TokenSignatureRequest(
            uri: uri, spki: spki, mechanism: mechanism, bytes: data, pin: try optionalBytes(atMost: MessageLimit.pin))
    }

    fileprivate mutating func certificate() throws(TokenError) -> TokenCertificate {
        let label = try text(atMost: MessageLimit.text)
        let id = try bytes(atMost: MessageLimit.text)
        let der = try bytes(atMost: MessageLimit.certificate)
        let subject = try bytes(atMost: MessageLimit.certificate)
        let issuer = try bytes(atMost: MessageLimit.certificate)
        return TokenCertificate(
            label: label, id: id, der: der, subject: subject, issuer: issuer, serialNumber: try bytes(atMost: 64))
    }

    fileprivate mutating func texts() throws(TokenError) -> [String] {
        var texts: [String] = []
        for _ in 0..<(try count(atMost: MessageLimit.keys)) { texts.append(try text(atMost: MessageLimit.text)) }
        return texts
    }
}
