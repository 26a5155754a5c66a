package import Codecs
import PKI
import RoadsteadWire
package import TrustModel

/// Operations that the same people decide, for one change.
package struct ProposedOperations: Sendable, Equatable {
    package let team: TeamName?
    /// Each in one spelling.
    package let operations: [JSON]
    /// What must be in force before.
    package let needs: [String]
    /// Whether it makes what others build on.
    package let isAdministration: Bool

    /// Whether a change that waits already asks for exactly this.
    package func isAskedFor(by team: TeamName?, _ operations: [JSON]) throws -> Bool {
        guard team == self.team, operations.count == self.operations.count else { return false }
        let theirs = try operations.map { try Self.plain($0) }
        return self.operations.allSatisfy(theirs.contains)
    }

    /// An operation as this program writes it, so that equal ones compare equal. The answer of a server names the owner
    /// of an anchor nowhere, and certificates have one PEM.
    static func plain(_ operation: JSON) throws -> JSON {
        let body = try operation.decode(OperationBody.self, place: "operation")
        guard case .addAnchor(let anchor) = body else {
            guard case .object(var members) = try JSON(encoding: body) else { return operation }
            // Says what it replaces, not what it does.
            members["madeFrom"] = nil
            return .object(members)
        }
        let der = try Certificate(pemOrDER: Array(anchor.certificate.utf8)).der
        return try JSON(
            encoding: AddAnchorBody(
                kind: anchor.kind, store: anchor.store,
                certificate: PEMBlock(label: "CERTIFICATE", bytes: der).text, origin: anchor.origin,
                reviewBy: anchor.reviewBy))
    }
}

extension DeclarationPlan {
    /// What is to be proposed, one change for each group of people that decides, administration first.
    package var changes: [ProposedOperations] {
        get throws {
            var order: [String] = []
            var groups: [String: (team: TeamName?, operations: [JSON], needs: Set<String>)] = [:]
            for difference in differences {
                guard case .propose(let operation, let team, let reach) = difference.step else { continue }
                if groups[reach] == nil { order.append(reach) }
                var group = groups[reach] ?? (team, [], [])
                group.operations.append(try ProposedOperations.plain(operation))
                group.needs.formUnion(difference.needs)
                groups[reach] = group
            }
            let first = order.filter { $0 == "administration" } + order.filter { $0 != "administration" }
            return first.compactMap { reach in
                groups[reach].map {
                    ProposedOperations(
                        team: $0.team, operations: $0.operations, needs: $0.needs.sorted(),
                        isAdministration: reach == "administration")
                }
            }
        }
    }
}
