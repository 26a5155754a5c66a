import PKCS11Kit
import TokenWire

extension Token {
    /// Whether everything that the URI says of a token is true of this one.
    func fits(_ uri: TokenURI) -> Bool {
        (uri.token ?? label) == label && (uri.serial ?? serial) == serial
            && (uri.manufacturer ?? manufacturer) == manufacturer && (uri.model ?? model) == model
    }
}

extension TokenDescription {
    init(_ token: Token) {
        self.init(
            label: token.label, serial: token.serial, manufacturer: token.manufacturer, model: token.model,
            requiresLogin: token.requiresLogin, hasOwnKeypad: token.hasOwnKeypad)
    }
}

extension KeyFilter {
    init(_ uri: TokenURI) { self.init(label: uri.object, id: uri.id) }
}

extension KeyKind {
    init(_ kind: TokenKeyKind) {
        switch kind {
        case .ed25519: self = .ed25519
        case .p256: self = .p256
        }
    }
}

extension TokenKeyDescription {
    init(_ key: KeyObject) {
        let kind: TokenKeyKind =
            switch key.kind {
            case .ed25519: .ed25519
            case .p256: .p256
            }
        self.init(
            label: key.label, id: key.id, kind: kind, spki: key.spki, isPrivate: key.isPrivate,
            wantsPINEachTime: key.wantsPINEachTime)
    }
}

extension KeyObject {
    /// How a key is told from others in a message.
    var name: String {
        "\"\(label)\" (\(TokenURI(token: "", serial: "", object: nil, id: id)), \(isPrivate ? "private" : "public"))"
    }
}

extension TokenError {
    init(_ error: PKCS11Error) {
        let (code, hint): (Code, String?) =
            switch error.code {
            case .module: (.module, "give the path of a PKCS#11 module with --pkcs11-module")
            case .pinWrong: (.pinWrong, "it was tried once and is not tried again; tokens lock after a few wrong ones")
            case .pinLocked: (.pinLocked, nil)
            case .notLoggedIn: (.pinMissing, "give the PIN")
            case .lost: (.lost, "see that the token is plugged in and answers")
            case .mechanism: (.unsupported, nil)
            case .malformed, .failed: (.failed, nil)
            }
        self.init(code, error.reason, hint: error.hint ?? hint)
    }
}
