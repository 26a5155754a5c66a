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
            writer.write([kind.rawValue])
            writer.write(label)
            writer.write(id)
        case .sign(let uri, let spki, let bytes, let pin):
            writer = FieldWriter(kind: 6)
            writer.write(uri)
            writer.write(spki)
            writer.write(bytes)
            writer.write(pin)
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
        case 6:
            let uri = try reader.text(atMost: MessageLimit.uri)
            let spki = try reader.bytes(atMost: MessageLimit.spki)
            let bytes = try reader.bytes(atMost: MessageLimit.data)
            self = .sign(uri, spki: spki, bytes: bytes, pin: try reader.optionalBytes(atMost: MessageLimit.pin))
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
            var skipped: [String] = []
            for _ in 0..<(try reader.count(atMost: MessageLimit.keys)) {
                skipped.append(try reader.text(atMost: MessageLimit.text))
            }
            self = .keys(keys, skipped: skipped)
        case 4: self = .key(try reader.key())
        case 5: self = .signature(try reader.bytes(atMost: MessageLimit.signature))
        case 6:
            let code = try reader.text(atMost: 64)
            let reason = try reader.text(atMost: MessageLimit.text)
            self = .failure(code: code, reason: reason, hint: try reader.optionalText(atMost: MessageLimit.text))
        default: throw TokenError(.wire, "an answer is of kind \(reader.kind), which is not known")
        }
        try reader.end()
    }

    private static func cut(_ text: String) -> String { text.utf8.count <= 2_000 ? text : String(text.prefix(500)) }
}

extension FieldWriter {
    fileprivate mutating func write(_ key: TokenKeyDescription) {
        write(key.label)
        write(key.id)
        write([key.kind.rawValue])
        write(key.spki)
        write(key.isPrivate)
        write(key.wantsPINEachTime)
    }
}

extension FieldReader {
    fileprivate mutating func keyKind() throws(TokenError) -> TokenKeyKind {
        guard let raw = try bytes(atMost: 1).first, let kind = TokenKeyKind(rawValue: raw) else {
            throw TokenError(.wire, "a message names a kind of key that is not known")
        }
        return kind
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
}
