package import Codecs

/// What all roles' metadata has in common. [TUF §4.3 to §4.6]
package struct MetadataHeader: Sendable, Equatable {
    /// What we write; any `1.x` is read.
    package static let specVersion = "1.0.31"

    package var specVersion = MetadataHeader.specVersion
    package var version: Int64
    package var expires: UTCDate
    package var stamp: FleetStamp?
    /// Members that nobody named, kept because signatures cover them.
    package var otherMembers = JSONObject()

    package init(version: Int64, expires: UTCDate, stamp: FleetStamp? = nil) {
        self.version = version
        self.expires = expires
        self.stamp = stamp
    }

    init(_ members: JSONObject, type: String, own names: [String]) throws(TUFError) {
        let found = try members.text("_type", "metadata")
        guard found.utf8.elementsEqual(type.utf8) else {
            throw TUFError(.wrongType, "it is of type \"\(found.prefix(40))\", not \"\(type)\"")
        }
        specVersion = try members.text("spec_version", type)
        guard Self.isSupported(specVersion) else {
            throw TUFError(.wrongType, "it follows version \(specVersion.prefix(40)) of the specification, not 1.x")
        }
        version = try members.version(type)
        expires = try members.date("expires", type)
        if members[FleetStamp.member] != nil {
            let place = "\(type).\(FleetStamp.member)"
            stamp = try FleetStamp(try members.members(FleetStamp.member, type), place)
        }
        otherMembers = members.without(
            ["_type", "spec_version", "version", "expires", FleetStamp.member] + names)
    }

    func members(type: String) -> JSONObject {
        var members = JSONObject([
            ("_type", .string(type)), ("spec_version", .string(specVersion)), ("version", .integer(version)),
            ("expires", .string(expires.description)),
        ])
        members[FleetStamp.member] = stamp?.json
        return members
    }

    private static func isSupported(_ version: String) -> Bool {
        let parts = version.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        let digit = UInt8(ascii: "0")...UInt8(ascii: "9")
        return (2...3).contains(parts.count) && parts[0].elementsEqual("1".utf8)
            && parts.allSatisfy { (1...9).contains($0.count) && $0.allSatisfy(digit.contains) }
    }
}

/// The signed part of one kind of metadata file.
package protocol RoleMetadata: Sendable, Equatable {
    /// The value of `_type`.
    static var type: String { get }
    var header: MetadataHeader { get set }
    init(members: JSONObject) throws(TUFError)
    var members: JSONObject { get }
}

extension RoleMetadata {
    package var version: Int64 { header.version }
    package var expires: UTCDate { header.expires }
    package var stamp: FleetStamp? { header.stamp }

    /// Whether the metadata has expired at a moment: it must expire later. [TUF §5.3.10, §5.4.4, §5.5.6, §5.6.5]
    package func isExpired(at now: UTCDate) -> Bool { expires <= now }
}
