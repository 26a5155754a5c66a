import Codecs

/// Typed reads of members with this module's error.
extension JSONObject {
    func text(_ name: String, _ place: String) throws(TUFError) -> String {
        try reading { () throws(CodecError) in try string(name, in: place) }
    }

    func members(_ name: String, _ place: String) throws(TUFError) -> JSONObject {
        try reading { () throws(CodecError) in try object(name, in: place) }
    }

    func list(_ name: String, _ place: String) throws(TUFError) -> [JSON] {
        try reading { () throws(CodecError) in try array(name, in: place) }
    }

    func flag(_ name: String, _ place: String) throws(TUFError) -> Bool {
        try reading { () throws(CodecError) in try bool(name, in: place) }
    }

    func date(_ name: String, _ place: String) throws(TUFError) -> UTCDate {
        let text = try text(name, place)
        do { return try UTCDate(text) } catch { throw TUFError(.malformed, "\(place).\(name): \(error.reason)") }
    }

    /// An integer within a range.
    func integer(_ name: String, _ range: ClosedRange<Int64>, _ place: String) throws(TUFError) -> Int64 {
        let value = try reading { () throws(CodecError) in try integer(name, in: place) }
        guard range.contains(value) else {
            throw TUFError(
                .value, "\(place).\(name) is \(value), outside \(range.lowerBound) to \(range.upperBound)")
        }
        return value
    }

    func version(_ place: String) throws(TUFError) -> Int64 {
        try integer("version", 1...MetadataLimits.maximumVersion, place)
    }

    /// The members that nobody named.
    func without(_ names: String...) -> JSONObject { without(names) }

    func without(_ names: [String]) -> JSONObject {
        JSONObject(
            members.filter { member in !names.contains { $0.utf8.elementsEqual(member.name.utf8) } }
                .map { ($0.name, $0.value) })
    }

    /// These members and the others, ours first.
    func adding(_ others: JSONObject) -> JSONObject {
        var all = self
        for (name, value) in others.members where all[name] == nil { all[name] = value }
        return all
    }
}

extension JSON {
    func asObject(_ place: String) throws(TUFError) -> JSONObject {
        try reading { () throws(CodecError) in try object(place) }
    }

    func asText(_ place: String) throws(TUFError) -> String {
        try reading { () throws(CodecError) in try string(place) }
    }

    func canonical(_ place: String) throws(TUFError) -> [UInt8] {
        do { return try canonicalBytes() } catch { throw TUFError(.malformed, "\(place): \(error.reason)") }
    }
}

private func reading<Value>(_ body: () throws(CodecError) -> Value) throws(TUFError) -> Value {
    do { return try body() } catch { throw TUFError(.malformed, error.reason, hint: error.hint) }
}
