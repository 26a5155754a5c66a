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
            let label = String(decoding: try attribute(CKA_LABEL, of: handle) ?? [], as: UTF8.self)
            let id = try attribute(CKA_ID, of: handle) ?? []
            guard filter.label.map({ $0 == label }) ?? true, filter.id.map({ $0 == id }) ?? true else { continue }
            do throws(PKCS11Error) {
                found.keys.append(try key(handle, half, label, id))
            } catch {
                guard error.code == .mechanism || error.code == .malformed else { throw error }
                found.skipped.append("\(half) key \"\(label)\": \(error.reason)")
            }
        }
        return found
    }

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
        let kind = try kind(of: handle)
        let again = try attribute(CKA_ALWAYS_AUTHENTICATE, of: handle)
        return KeyObject(
            handle: handle, label: label, id: id, kind: kind, spki: try spki(handle, half, kind, label, id),
            isPrivate: half == .private, wantsPINEachTime: half == .private && again?.first.map { $0 != 0 } ?? false)
    }

    private func kind(of handle: CK_OBJECT_HANDLE) throws(PKCS11Error) -> KeyKind {
        guard let raw = try attribute(CKA_KEY_TYPE, of: handle), raw.count == MemoryLayout<CK_ULONG>.size else {
            throw PKCS11Error(.malformed, "a key does not say its type")
        }
        let type = raw.reversed().reduce(CK_ULONG(0)) { $0 << 8 | CK_ULONG($1) }
        return try KeyKind(type: type, curve: try attribute(CKA_EC_PARAMS, of: handle))
    }

    /// The public half: of the object itself, or of the public objects that share a private one's identifier (its label,
    /// where it has none), which must then all say the same.
    private func spki(
        _ handle: CK_OBJECT_HANDLE, _ half: KeyFilter.Half, _ kind: KeyKind, _ label: String, _ id: [UInt8]
    ) throws(PKCS11Error) -> [UInt8] {
        if let point = try attribute(CKA_EC_POINT, of: handle), !point.isEmpty { return try kind.spki(point: point) }
        guard half == .private else { throw PKCS11Error(.malformed, "a public key has no value") }
        let partner = id.isEmpty ? KeyFilter(label: label) : KeyFilter(id: id)
        let values = Set(try keys(partner, .public).keys.filter { $0.kind == kind }.map(\.spki))
        guard let value = values.first, values.count == 1 else {
            throw PKCS11Error(
                .malformed,
                values.isEmpty
                    ? "there is no public key beside it, by which its signatures could be checked"
                    : "\(values.count) different public keys lie beside it")
        }
        return value
    }
}
