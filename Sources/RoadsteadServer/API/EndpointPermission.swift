import RoadsteadStore
import TrustModel

/// What an operation takes of its caller beyond being signed in. There is no default: an operation says it, or does not
/// compile.
enum EndpointPermission: Sendable {
    /// One permission that follows from the address. It is asked for before the body is read, so a name that the caller
    /// may know nothing about is refused in the same words whether or not anything has it.
    case takes(@Sendable (Call) throws -> Permission)
    /// A list of only what the caller may read, or one thing of such a list, which to others does not exist.
    case filtered
    /// The caller's own things, which nobody else is shown.
    case own
    /// What it takes depends on the content; the reason says on what.
    case decidedInside(String)
    /// Nobody has signed in: the request carries its own proof.
    case proven

    static func takes(_ permission: Permission) -> EndpointPermission { .takes { _ in permission } }

    /// A permission in the team that the path names.
    static func team(_ permission: @escaping @Sendable (TeamName) -> Permission) -> EndpointPermission {
        .takes { permission(try $0.path("team")) }
    }

    /// A permission in the fleet that the path names.
    static func fleet(_ permission: @escaping @Sendable (FleetName) -> Permission) -> EndpointPermission {
        .takes { permission(try $0.path("fleet")) }
    }

    /// - Throws: `StoreError(.forbidden)` where the address alone decides.
    func check(_ call: Call) throws {
        guard case .takes(let permission) = self else { return }
        try call.caller().require(try permission(call))
    }
}
