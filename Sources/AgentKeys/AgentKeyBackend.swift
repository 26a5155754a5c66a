package import SigningKeys

/// Keys in an SSH agent, on this machine or forwarded: `ssh-agent:`, `ssh-agent:COMMENT` or `ssh-agent:SHA256:…`.
/// [draft-ietf-sshm-ssh-agent]
///
/// EC and Ed25519 keys sign whole messages; RSA keys cannot make RSA-PSS there, and FIDO keys sign only with a prefix of
/// their own, so both are refused.
package struct AgentKeyBackend: KeyBackend {
    private let path: String?
    private let deadline: Duration

    /// - Parameters:
    ///   - socket: the agent's socket, which `SSH_AUTH_SOCK` names.
    ///   - deadline: for each answer; somebody may have to confirm in it.
    package init(socket: String?, deadline: Duration = .seconds(60)) {
        path = socket
        self.deadline = deadline
    }

    package func open(_ name: KeyName) async throws -> OpenedKey {
        let (identity, key) = try await identity(name)
        return OpenedKey(
            AgentKey(publicKey: key, blob: identity.blob, socket: try socket()), name: try Self.name(identity))
    }

    package func publicKey(_ name: KeyName) async throws -> PublicKey { try await identity(name).key }

    package func list(_ name: KeyName) async throws -> KeyListing {
        var entries: [KeyListing.Entry] = []
        var skipped: [String] = []
        for identity in try await identities() where Self.matches(identity, name.rest) {
            switch identity.key {
            case .success(let key):
                entries.append(.init(name: try Self.name(identity), publicKey: key, isPrivate: true))
            case .failure(let error): skipped.append("\(identity.comment) (\(identity.fingerprint)): \(error.reason)")
            }
        }
        return KeyListing(entries: entries, skipped: skipped)
    }

    /// The one identity that is meant, whose key can sign.
    private func identity(_ name: KeyName) async throws -> (AgentIdentity, key: PublicKey) {
        let all = try await identities()
        var meant = all.filter { Self.matches($0, name.rest) }
        if name.rest.isEmpty, meant.count > 1 { meant = meant.filter { (try? $0.key.get()) != nil } }
        guard let one = meant.first else {
            throw AgentError(
                .key, all.isEmpty ? "the agent shows no keys" : "no key of the agent is \(name)",
                hint: all.isEmpty ? "ssh-add adds one; a locked agent shows none" : "ssh-add -l lists them")
        }
        guard meant.count == 1 else {
            throw AgentError(
                .key, "\(meant.count) keys of the agent are \(name), and only one can be meant",
                hint:
                    "name it by its fingerprint: \(meant.prefix(8).map { "ssh-agent:\($0.fingerprint)" }.joined(separator: ", "))"
            )
        }
        return (one, try one.key.get())
    }

    private func identities() async throws -> [AgentIdentity] {
        var answer = AgentReader(try await socket().exchange([AgentKey.Kind.listRequest]))
        let kind = try answer.byte()
        guard kind == AgentKey.Kind.list else {
            guard kind == AgentKey.Kind.failure else {
                throw AgentReader.malformed("message \(kind) answers a request for the keys")
            }
            throw AgentError(.denied, "the agent does not list its keys")
        }
        let count = try answer.number()
        guard count <= AgentWire.maximumKeys else { throw AgentReader.malformed("it announces \(count) keys") }
        var found: [AgentIdentity] = []
        for _ in 0..<count { found.append(AgentIdentity(blob: try answer.string(), comment: try answer.text())) }
        try answer.end()
        return found
    }

    private static func matches(_ identity: AgentIdentity, _ rest: Substring) -> Bool {
        rest.isEmpty || identity.fingerprint == rest || identity.comment == rest
    }

    private static func name(_ identity: AgentIdentity) throws(KeyError) -> KeyName {
        try KeyName(KeyScheme.sshAgent.prefix + identity.fingerprint)
    }

    private func socket() throws(AgentError) -> AgentSocket {
        guard let path, path.hasPrefix("/") else {
            throw AgentError(
                .unreachable, "no agent is named: SSH_AUTH_SOCK is not set",
                hint: "start one with: eval $(ssh-agent); ssh-add KEY")
        }
        return AgentSocket(path: path, deadline: deadline)
    }
}
