import AgentKeys
import CloudKeys
import Files
import RoadsteadPublish
import SignerClient
import SigningKeys
import TokenKeys
import TokenWire

extension KeySettings {
    /// What reaches the places that are configured; nil where every key is sealed.
    func reach(_ backends: [KeyScheme: any KeyBackend]) -> KeyReach? {
        places.schemes.isEmpty ? nil : KeyReach(KeyBackends(backends), deadline: deadline)
    }

    /// The tokens, where they are configured.
    ///
    /// - Parameter state: the server's own directory, where refused PINs are remembered.
    func tokens(state: String) throws -> TokenSettings? {
        guard let variables = variables[.pkcs11], let module = variables[KeyVariable.module] else { return nil }
        let pinFile = variables[KeyVariable.pinFile]
        // A little longer than a signature may take as a whole, whose end is then the one that is told of.
        var settings = TokenSettings(
            module: module, program: try TokenSettings.programBesideThisOne(), deadline: deadline + .seconds(2),
            pinMemory: PINMemory(directory: state + "/pins")
        ) { token in
            guard let pinFile, !token.hasOwnKeypad else { return nil }
            return try Self.line(ofFile: pinFile)
        }
        settings.generationDeadline = KeyReach.makingDeadline
        return settings
    }

    /// The one line of a file that nobody else can read.
    static func line(ofFile path: String) throws -> Secret {
        var line = try Files.readSecretLine(path)
        return Secret(wiping: &line)
    }
}

extension ServerConfiguration {
    /// One backend for each place of keys that is configured.
    func keyBackends() throws -> [KeyScheme: any KeyBackend] {
        var backends: [KeyScheme: any KeyBackend] = [:]
        for (scheme, variables) in keys.variables where !variables.isEmpty {
            backends[scheme] = try keyBackend(scheme, variables)
        }
        return backends
    }

    private func keyBackend(_ scheme: KeyScheme, _ variables: [String: String]) throws -> (any KeyBackend)? {
        let environment = KeyServiceEnvironment(variables)
        switch scheme {
        case .pkcs11: return try keys.tokens(state: stateDirectory).map(ServerTokens.init)
        case .hashivault:
            return try VaultBackend(environment, transport: try door([variables["VAULT_ADDR"] ?? ""]))
        case .awskms:
            let environment = KeyServiceEnvironment(variables.merging(Self.onlyAWS(variables)) { $1 })
            return AWSBackend(environment, transport: try door(try AWSBackend.addresses(environment)))
        case .azurekms:
            let vaults = keys.places.templates(of: .azurekms)
            let addresses = try AzureBackend.addresses(of: vaults, environment)
            return AzureBackend(environment, transport: try door(addresses))
        case .gcpkms:
            return GCPBackend(environment, transport: try door(GCPBackend.addresses(environment)))
        case .sshAgent: return AgentKeyBackend(socket: variables["SSH_AUTH_SOCK"], deadline: keys.deadline)
        case .roadstead:
            let isPlain = variables[KeyVariable.plain] != nil
            let access = variables.merging(["ROADSTEAD_SIGNER_PLAIN_LOOPBACK": isPlain ? "1" : "0"]) { $1 }
            return RemoteKeys(deadline: keys.deadline) { try SignerAccess(for: $0, environment: access) }
        case .file, .pkcs12: return variables[KeyVariable.passphraseFile].map(PassphraseFiles.init)
        }
    }

    /// Shuts every way to credentials but the one that is configured.
    private static func onlyAWS(_ variables: [String: String]) -> [String: String] {
        var closed: [String: String] = [:]
        if variables["AWS_SHARED_CREDENTIALS_FILE"] != nil { closed["AWS_PROFILE"] = "default" }
        if variables[KeyVariable.instance] == nil { closed["AWS_EC2_METADATA_DISABLED"] = "true" }
        return closed
    }

    private func door(_ addresses: [String]) throws -> OutboundKeyTransport {
        try OutboundKeyTransport(addresses, outbound, deadline: keys.deadline)
    }
}

extension ServerKeys {
    /// The server's keys as its configuration has them.
    init(_ configuration: ServerConfiguration, _ master: MasterKey) throws {
        let keys = configuration.keys
        self.init(master, places: keys.places, reach: keys.reach(try configuration.keyBackends()))
    }
}
