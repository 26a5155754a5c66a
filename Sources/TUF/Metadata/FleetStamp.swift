package import Codecs

/// The member `x-roadstead` of every top-level role: which fleet the repository is of and when the file was signed.
///
/// TUF does not name its repository; without this, a root key shared by two fleets would let one pass for the other.
package struct FleetStamp: Sendable, Equatable {
    package static let member = "x-roadstead"

    package var fleet: String
    package var issued: UTCDate
    package var otherMembers = JSONObject()

    package init(fleet: String, issued: UTCDate) {
        self.fleet = fleet
        self.issued = issued
    }

    init(_ members: JSONObject, _ place: String) throws(TUFError) {
        fleet = try members.text("fleet", place)
        issued = try members.date("issued", place)
        otherMembers = members.without("fleet", "issued")
        guard (1...255).contains(fleet.utf8.count) else {
            throw TUFError(.value, "\(place).fleet is not of 1 to 255 bytes")
        }
    }

    var json: JSON {
        .object(
            JSONObject([("fleet", .string(fleet)), ("issued", .string(issued.description))]).adding(otherMembers))
    }
}
