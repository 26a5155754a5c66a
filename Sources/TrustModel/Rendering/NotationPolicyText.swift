import Codecs

/// The trust policy document of a Notation configuration: exact repositories, every statement one that Notation takes.
struct NotationPolicyText: Sendable {
    private(set) var warnings: [TrustWarning] = []
    private(set) var repositoryCount = 0
    private var statements: [JSON] = []
    private let header: [(String, JSON)]

    init(
        _ trust: HostTrust, stores: NotationStores, inexpressible: FleetSettings.Inexpressible, now: UTCDate
    ) {
        header = [("fleet", .string(trust.fleet.rawValue)), ("release", .integer(trust.release))]
        let held = trust.statements(at: now)
        let expansion = RepositoryExpansion(held, repositories: trust.repositories)
        let denials = NotationDenials(trust)
        warnings += expansion.warnings + Self.digestExceptions(trust, now: now)
        var rejected = expansion.rejected
        for (index, repositories) in expansion.assigned.sorted(by: { $0.key < $1.key }) {
            let statement = held[index]
            if statement.stores.isEmpty, statement.level != "skip" {
                rejected += repositories
                continue
            }
            let reason = unenforced(statement, denials: denials, stores: stores)
            if let reason, inexpressible == .rejectScope {
                warn(statement, .notEnforced, "\(reason), so its \(repositories.count) repositories reject")
                rejected += repositories
            } else {
                if let reason {
                    warn(statement, .notEnforced, "\(reason); the fleet's settings let it pass")
                }
                add(statement, repositories, stores: stores, rejected: &rejected)
            }
        }
        repositoryCount += rejected.count
        if !rejected.isEmpty || statements.isEmpty {
            statements.append(Self.rejection(of: rejected.isEmpty ? ["*"] : rejected.map(\.rawValue).sorted()))
        }
    }

    var bytes: [UInt8] {
        let document = JSON.object(
            JSONObject([
                ("version", .string("1.0")), ("trustPolicies", .array(statements)),
                ("x-roadstead", .object(JSONObject(header))),
            ]))
        return Array(document.prettyText.utf8)
    }

    private mutating func add(
        _ statement: HostTrust.Statement, _ repositories: [RegistryScope], stores: NotationStores,
        rejected: inout [RegistryScope]
    ) {
        let rendered = Self.rendered(statement, repositories, stores: stores.needed(by: statement))
        if let store = statement.stores.first(where: { stores.anchors[$0] == nil }) {
            warn(statement, .statement, "it refers to the store \(store), which is not there; its scopes reject")
        } else if let reason = Self.objection(to: rendered) {
            warn(statement, .statement, "Notation would refuse it (\(reason)); its scopes reject")
        } else {
            repositoryCount += repositories.count
            return statements.append(rendered)
        }
        rejected += repositories
    }

    private mutating func warn(_ statement: HostTrust.Statement, _ kind: TrustWarning.Kind, _ text: String) {
        warnings.append(
            TrustWarning(kind, team: statement.team, "statement \"\(statement.name.prefix(64))\": \(text)"))
    }

    /// What of a statement's constraints and of the denials that reach it Notation cannot hold.
    private func unenforced(
        _ statement: HostTrust.Statement, denials: NotationDenials, stores: NotationStores
    ) -> String? {
        if let store = statement.stores.first(where: stores.limited.contains) {
            return "an anchor of store \(store) has limits that Notation cannot enforce"
        }
        return denials.unenforced(statement, stores: stores).map {
            "Notation cannot enforce denial \($0.id.prefix(64)) of the kind \($0.kind)"
        }
    }

    private static func rendered(
        _ statement: HostTrust.Statement, _ repositories: [RegistryScope], stores: [TrustStoreID]
    ) -> JSON {
        var verification: [(String, JSON)] = [("level", .string(statement.level))]
        if let override = statement.override, !override.isEmpty {
            let members = override.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
            verification.append(("override", .object(JSONObject(members.map { ($0.key, .string($0.value)) }))))
        }
        return document(
            name: "\(statement.team?.rawValue ?? "fleet").\(statement.name)", scopes: repositories.map(\.rawValue),
            verification: verification,
            stores: stores.map(\.description), identities: statement.trustedIdentities)
    }

    /// Notation knows no exception for one digest, and is never given a wider one for it.
    private static func digestExceptions(_ trust: HostTrust, now: UTCDate) -> [TrustWarning] {
        trust.exceptions(at: now).compactMap { exception in
            exception.digest.map {
                TrustWarning(
                    .notEnforced,
                    "exception \(exception.id.prefix(64)) for \($0) is unknown to Notation, which goes on refusing it")
            }
        }
    }

    private static func rejection(of scopes: [String]) -> JSON {
        document(
            name: NotationTree.rejectingStore, scopes: scopes, verification: [("level", .string("strict"))],
            stores: ["\(TrustStoreKind.ca.rawValue):\(NotationTree.rejectingStore)"], identities: ["*"])
    }

    private static func document(
        name: String, scopes: [String], verification: [(String, JSON)], stores: [String], identities: [String]
    ) -> JSON {
        .object(
            JSONObject([
                ("name", .string(name)), ("registryScopes", .array(scopes.map(JSON.string))),
                ("signatureVerification", .object(JSONObject(verification))),
                ("trustStores", .array(stores.map(JSON.string))),
                ("trustedIdentities", .array(identities.map(JSON.string))),
            ]))
    }

    /// Why a policy with this statement alone is refused.
    private static func objection(to statement: JSON) -> String? {
        let alone = JSON.object(
            JSONObject([("version", .string("1.0")), ("trustPolicies", .array([statement]))]))
        do throws(TrustModelError) {
            _ = try NotationPolicy(parsing: alone.bytes)
            return nil
        } catch { return error.reason }
    }
}
