import ArgumentParser
import Foundation
import RoadsteadWire

struct Login: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "login", abstract: "Sign in at a server and remember it.",
        discussion: """
            Without more, the server says where its people sign in: a code is shown here and entered in a browser
            anywhere, or with --web in a browser on this machine. Secrets come from files or standard input (-), never
            from the command line.

              roadstead login --server URL                                          at the provider, by a code
              roadstead login --server URL --web                                    at the provider, in a browser here
              roadstead login --server URL --bootstrap-token-file FILE --name NAME  the first administrator
              roadstead login --server URL --invitation-file FILE                   somebody who was invited
              roadstead login --server URL --token-file FILE                        with an API token
              roadstead login --client-certificate FILE --client-key FILE --register
                                              make a client certificate a credential of whoever is signed in
              roadstead login --server URL --client-certificate FILE --client-key FILE
            """)

    @Option(help: ArgumentHelp("Address of the server.", valueName: "url")) var server: String?
    @Option(help: "Name to keep the sign-in under.")
    var profile = ProcessInfo.processInfo.environment["ROADSTEAD_PROFILE"] ?? "default"
    @Option(help: ArgumentHelp("PEM file of the CA that the server's certificate comes from.", valueName: "file"))
    var caFile: String?
    @Flag(help: "Sign in with a browser on this machine.") var web = false
    @Option(help: ArgumentHelp("File with the one-time token of the first start.", valueName: "file"))
    var bootstrapTokenFile: String?
    @Option(help: "Your login name, with --bootstrap-token-file.") var name: String?
    @Option(help: "Your name for others, with --bootstrap-token-file.") var displayName: String?
    @Option(help: ArgumentHelp("File with an invitation.", valueName: "file")) var invitationFile: String?
    @Option(help: ArgumentHelp("File with an API token.", valueName: "file")) var tokenFile: String?
    @Option(help: ArgumentHelp("PEM file with a client certificate.", valueName: "file"))
    var clientCertificate: String?
    @Option(help: ArgumentHelp("PEM file with its key, mode 0600.", valueName: "file")) var clientKey: String?
    @Flag(help: "Make the client certificate a credential of whoever is signed in under the profile.")
    var register = false
    @Option(help: "What the new token is for.") var label = ProcessInfo.processInfo.hostName

    func validate() throws {
        let ways = [bootstrapTokenFile, invitationFile, tokenFile, clientCertificate].compactMap(\.self).count
        guard ways + (web ? 1 : 0) <= 1 else {
            throw ValidationError(
                "give one of --web, --bootstrap-token-file, --invitation-file, --token-file and --client-certificate")
        }
        guard (bootstrapTokenFile == nil) == (name == nil) else {
            throw ValidationError("--name belongs to --bootstrap-token-file")
        }
        guard (clientCertificate == nil) == (clientKey == nil), !register || clientKey != nil else {
            throw ValidationError("--client-certificate and --client-key go together, and --register with both")
        }
        guard server != nil || register else { throw ValidationError("say where: --server URL") }
    }

    func run() async throws {
        let signedIn = try await signIn()
        let client = try signedIn.client()
        let me: WhoAmI = try await closing(client) { try await client.get("/v1/whoami") }
        try ProfileStore().save(signedIn, as: profile)
        Terminal.note("signed in at \(client.server) as \(me.person.name) until \(me.expires)")
    }

    private func signIn() async throws -> Profile {
        if let clientCertificate, let clientKey {
            let identity = ClientIdentity(certificate: clientCertificate, key: clientKey)
            return register ? try await registered(identity) : try with(token: nil, identity)
        }
        if let tokenFile { return try with(token: try readSecretLine(tokenFile)) }
        if let bootstrapTokenFile, let name {
            let body = BootstrapRequest(name: name, displayName: displayName ?? name)
            return try await issued(
                "/v1/bootstrap", body, as: with(token: try readSecretLine(bootstrapTokenFile)))
        }
        if let invitationFile {
            let body = AcceptInvitationRequest(invitation: try readSecretLine(invitationFile), label: label)
            return try await issued("/v1/invitations/accept", body, as: with(token: nil))
        }
        let (token, nonce) = try await ProviderSignIn(web: web).run(try with(token: nil))
        return try await issued(
            "/v1/sign-in", SignInRequest(idToken: token, nonce: nonce, label: label), as: with(token: nil))
    }

    /// What is known before the token is.
    private func with(token: String?, _ identity: ClientIdentity? = nil) throws -> Profile {
        guard let server else { throw ValidationError("say where: --server URL") }
        return Profile(server: server, token: token, certificateAuthority: caFile, identity: identity)
    }

    private func issued(_ path: String, _ body: some Encodable & Sendable, as before: Profile) async throws -> Profile {
        let client = try before.client()
        let issued: IssuedToken = try await closing(client) { try await client.send(.post, path, body) }
        return Profile(
            server: client.server, token: issued.token, certificateAuthority: before.certificateAuthority, identity: nil
        )
    }

    /// Registers the certificate by the sign-in that the profile has, over a connection that shows it.
    private func registered(_ identity: ClientIdentity) async throws -> Profile {
        let saved = try ProfileStore().profile(profile)
        guard server == nil || server == saved.server else {
            throw RemoteError(.usage, "profile \"\(profile)\" is signed in at \(saved.server), not at \(server ?? "")")
        }
        var both = saved
        both.identity = identity
        let client = try both.client()
        let body = CertificateRequest(label: label)
        let _: TokenBody = try await closing(client) { try await client.send(.post, "/v1/certificates", body) }
        return Profile(
            server: saved.server, token: nil, certificateAuthority: caFile ?? saved.certificateAuthority,
            identity: identity)
    }
}

/// Runs a body and closes the client, whatever comes of it.
func closing<Value>(_ client: APIClient, _ body: () async throws -> Value) async throws -> Value {
    do {
        let value = try await body()
        await client.close()
        return value
    } catch {
        await client.close()
        throw error
    }
}

/// Gets a fresh ID token from the provider that a server names.
struct ProviderSignIn {
    let web: Bool

    func run(_ profile: Profile) async throws -> (token: String, nonce: String?) {
        let client = try profile.client()
        let offer: SignInOffer = try await closing(client) { try await client.get("/v1/sign-in") }
        guard let provider = offer.provider else {
            let more = offer.certificate ? ", --client-certificate" : ""
            throw RemoteError(
                .usage, "\(client.server) has no provider at which people sign in",
                hint: "give one of --invitation-file, --token-file\(more)")
        }
        return try await ProviderClient.with(provider) { client in
            guard web else {
                return (
                    try await DeviceFlow(client: client).run { address, code in
                        Terminal.note("to sign in, open \(address) and enter the code \(code)")
                    }, nil
                )
            }
            return try await WebFlow(client: client).run { address in
                Terminal.note("to sign in, open \(address)")
                Browser.open(address)
            }
        }
    }
}

/// The desktop's browser, where there is one.
enum Browser {
    static func open(_ address: String) {
        let environment = ProcessInfo.processInfo.environment
        guard environment["DISPLAY"] != nil || environment["WAYLAND_DISPLAY"] != nil else { return }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/xdg-open")
        process.arguments = [address]
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try? process.run()
    }
}
