internal import CPKCS11

/// A key on a token that can be used, or whose public half can be read.
package struct KeyObject: Sendable, Hashable {
    let handle: UInt
    package let label: String
    package let id: [UInt8]
    package let kind: KeyKind
    /// SubjectPublicKeyInfo, DER.
    package let spki: [UInt8]
    package let isPrivate: Bool
    package let wantsPINEachTime: Bool
}

/// Which keys are wanted.
package struct KeyFilter: Sendable, Hashable {
    package enum Half: Sendable, Hashable { case `public`, `private` }

    package var label: String?
    package var id: [UInt8]?

    package init(label: String? = nil, id: [UInt8]? = nil) {
        self.label = label
        self.id = id
    }

    fileprivate func template(_ half: Half) -> [ObjectAttribute] {
        let name = half == .private ? CKO_PRIVATE_KEY : CKO_PUBLIC_KEY
        return [.number(CKA_CLASS, name)] + (label.map { [.bytes(CKA_LABEL, Array($0.utf8))] } ?? [])
            + (id.map { [.bytes(CKA_ID, $0)] } ?? [])
    }
}

/// Keys that can be used, and in words those that cannot: one object that is not understood hides no other.
package struct FoundKeys: Sendable {
    package var keys: [KeyObject] = []
    package var skipped: [String] = []

    package init(keys: [KeyObject] = [], skipped: [String] = []) {
        self.keys = keys
        self.skipped = skipped
    }
}

extension Session {
    /// The keys of one half that fit. Modules are known to overlook a label in a search, so each is looked at again.
    package func keys(_ filter: KeyFilter, _ half: KeyFilter.Half) throws(PKCS11Error) -> FoundKeys {
        var found = FoundKeys()
        for handle in try find(filter.template(half)) {
            do throws(PKCS11Error) {
                let (label, id) = try name(of: handle)
                guard filter.label.map({ $0 == label }) ?? true, filter.id.map({ $0 == id }) ?? true else { continue }
                do throws(PKCS11Error) {
                    found.keys.append(try key(handle, half, label, id))
                } catch {
                    guard error.code != .lost else { throw error }
                    found.skipped.append("\(half) key \"\(label)\": \(error.reason)")
                }
            } catch {
                guard error.code != .lost else { throw error }
                found.skipped.append("\(half) key: \(error.reason)")
            }
        }
        return found
    }

    /// The label and identifier of an object. One whose name is longer than a URI may say is like one that is not supported.
    func name(of object: CK_OBJECT_HANDLE) throws(PKCS11Error) -> (label: String, id: [UInt8]) {
        let label = try attribute(CKA_LABEL, of: object) ?? []
        let id = try attribute(CKA_ID, of: object) ?? []
        guard label.count <= Self.maximumName, id.count <= Self.maximumName else {
            throw PKCS11Error(
                .malformed,
                "\"\(String(decoding: label.prefix(40), as: UTF8.self))\" has a label of \(label.count) bytes and an "
                    + "identifier of \(id.count), at most \(Self.maximumName) are taken")
        }
        return (String(decoding: label, as: UTF8.self), id)
    }

    private static let maximumName = 255

    /// Whether anything of that label or id is there already, of whatever kind.
    package func hasObject(label: String, id: [UInt8]) throws(PKCS11Error) -> Bool {
        for half in [CKO_PRIVATE_KEY, CKO_PUBLIC_KEY] {
            let type = ObjectAttribute.number(CKA_CLASS, half)
            if !(try find([type, .bytes(CKA_LABEL, Array(label.utf8))])).isEmpty { return true }
            if !(try find([type, .bytes(CKA_ID, id)])).isEmpty { return true }
        }
        return false
    }

    private func key(
        _ handle: CK_OBJECT_HANDLE, _ half: KeyFilter.Half, _ label: String, _ id: [UInt8]
    ) throws(PKCS11Error) -> KeyObject {
        let (kind, spki) = try publicHalf(handle, half, label, id)
        let again = try attribute(CKA_ALWAYS_AUTHENTICATE, of: handle)
        return KeyObject(
            handle: handle, label: label, id: id, kind: kind, spki: spki, isPrivate: half == .private,
            wantsPINEachTime: half == .private && again?.first.map { $0 != 0 } ?? false)
    }

    /// What kind of key it is and its public half: from the object itself, or from what lies beside it.
    private func publicHalf(
        _ handle: CK_OBJECT_HANDLE, _ half: KeyFilter.Half, _ label: String, _ id: [UInt8]
    ) throws(PKCS11Error) -> (KeyKind, [UInt8]) {
        guard let type = try number(CKA_KEY_TYPE, of: handle) else {
            throw PKCS11Error(.malformed, "a key does not say its type")
        }
        if type == CK_ULONG(CKK_RSA) {
            let modulus = try attribute(CKA_MODULUS, of: handle) ?? []
            let exponent = try attribute(CKA_PUBLIC_EXPONENT, of: handle) ?? []
            if !modulus.isEmpty, !exponent.isEmpty { return try KeyKind.rsa(modulus: modulus, exponent: exponent) }
            return try beside(half, label, id) { if case .rsa = $0 { true } else { false } }
        }
        let kind = try KeyKind(type: type, curve: try attribute(CKA_EC_PARAMS, of: handle))
        if let point = try attribute(CKA_EC_POINT, of: handle), !point.isEmpty {
            return (kind, try kind.spki(point: point))
        }
        return try beside(half, label, id) { $0 == kind }
    }

    /// The public half from the public objects that share a private one's identifier (its label, where it has none), which
    /// must then all say the same.
    private func beside(
        _ half: KeyFilter.Half, _ label: String, _ id: [UInt8], isRight: (KeyKind) -> Bool
    ) throws(PKCS11Error) -> (KeyKind, [UInt8]) {
        guard half == .private else { throw PKCS11Error(.malformed, "a public key has no value") }
        let partner = id.isEmpty ? KeyFilter(label: label) : KeyFilter(id: id)
        var fitting = try keys(partner, .public).keys.map { ($0.kind, $0.spki) }.filter { isRight($0.0) }
        if fitting.isEmpty, !id.isEmpty { fitting = try inCertificates(id).filter { isRight($0.0) } }
        guard let key = fitting.first, fitting.allSatisfy({ $0 == key }) else {
            throw PKCS11Error(
                .malformed,
                fitting.isEmpty
                    ? "there is no public key or certificate beside it, by which its signatures could be checked"
                    : "different public keys lie beside it")
        }
        return key
    }

    /// The public keys in the certificates of an identifier: many cards have no other.
    private func inCertificates(_ id: [UInt8]) throws(PKCS11Error) -> [(KeyKind, [UInt8])] {
        var found: [(KeyKind, [UInt8])] = []
        for handle in try find([.number(CKA_CLASS, CKO_CERTIFICATE), .bytes(CKA_ID, id)]) {
            guard try attribute(CKA_ID, of: handle) == id, let der = try attribute(CKA_VALUE, of: handle) else {
                continue
            }
            if let key = KeyKind.publicHalf(ofCertificate: der) { found.append(key) }
        }
        return found
    }
}
