import Codecs
import KeyServices
import SigningKeys
import Testing

@testable import CloudKeys

extension KeyServiceTests {
    /// Against a double that Microsoft's own client takes for the real service.
    @Suite struct AzureTests {
        private func with(
            _ variables: [String: String], _ body: (AzureBackend) async throws -> Void
        ) async throws {
            try await HTTPKeyTransport.with { try await body(AzureBackend(impatient(variables), transport: $0)) }
        }

        @Test func `keys of each type sign, and their public keys confirm it`() async throws {
            guard let clouds = try await Clouds.start() else { return }
            try await with(clouds.azureEnvironment) { backend in
                for (type, uri) in try clouds.azure.makeKeys() {
                    let opened = try await backend.open(try KeyName(uri))
                    #expect(opened.signer.publicKey.type == typesByName[type])
                    #expect(opened.name.text.hasPrefix(uri + "/") && opened.name.text.utf8.count == uri.utf8.count + 33)
                    for scheme in schemes(opened.signer.publicKey.type) {
                        _ = try await verifiedSignature(by: opened.signer, over: message, scheme: scheme)
                    }
                }
            }
            #expect(try clouds.hits("/oauth2/v2.0/token") == 1)
        }

        @Test func `a federated assertion, an application's and a machine's identity open keys too`() async throws {
            guard let clouds = try await Clouds.start() else { return }
            let name = try KeyName(clouds.azureURI("ec-p256"))
            let machine = ["AZURE_POD_IDENTITY_AUTHORITY_HOST": clouds.http]
            let application = [
                "IDENTITY_ENDPOINT": "\(clouds.http)/msi/token", "IDENTITY_HEADER": clouds.machineSecret,
            ]
            for variables in [clouds.azureFederatedEnvironment, machine, application] {
                try await with(variables) { backend in
                    let opened = try await backend.open(name)
                    _ = try await verifiedSignature(by: opened.signer, over: message, scheme: .ecdsa(.sha256, .fixed))
                }
            }
        }

        @Test func `a wrong secret is refused and not shown`() async throws {
            guard let clouds = try await Clouds.start() else { return }
            let wrong = "wrong-secret-of-a-client"
            try await with(clouds.azureEnvironment.merging(["AZURE_CLIENT_SECRET": wrong]) { $1 }) { backend in
                let error = await failure { _ = try await backend.open(try KeyName(clouds.azureURI("ec-p256"))) }
                #expect(error?.code == .credentials)
                #expect(error.map { "\($0)".contains(wrong) } == false)
            }
        }

        @Test func `a token goes only to a vault below the domain that the token is for`() async throws {
            func address(_ text: String) throws -> ServiceAddress { try ServiceAddress(text, source: "a test") }
            let vault = try address("https://team.vault.azure.net")
            for (resource, isRight) in [
                ("https://vault.azure.net", true), ("https://azure.net", true), ("https://net", false),
                ("https://team.vault.azure.net", false), ("https://ault.azure.net", false),
                ("https://vault.azure.net.evil.example", false), ("https://management.azure.com", false),
            ] {
                let resource = try address(resource)
                #expect(AzureVault.covers(resource, vault) == isRight, "\(resource.text)")
            }
            guard let clouds = try await Clouds.start() else { return }
            try clouds.set("resource", "https://vault.azure.net")
            try await with(clouds.azureEnvironment) { backend in
                let error = await failure { _ = try await backend.open(try KeyName(clouds.azureURI("ec-p256"))) }
                #expect(error?.code == .address)
            }
            #expect(try clouds.hits("/oauth2/v2.0/token") == 0)
        }

        @Test(arguments: [
            ("ec-p256k", "P-256K"), ("ec-p256-nosign", "may not be used to sign"), ("ec-p256-expired", "has expired"),
            ("ec-p384", "disabled"),
        ])
        func `a key that cannot sign is refused when it is opened`(key: String, reason: String) async throws {
            guard let clouds = try await Clouds.start() else { return }
            try clouds.set("disabled", ["ec-p384"])
            try await with(clouds.azureEnvironment) { backend in
                let error = await failure { _ = try await backend.open(try KeyName(clouds.azureURI(key))) }
                #expect(error?.code == .unusable && error?.reason.contains(reason) == true)
                let none = await failure { _ = try await backend.open(try KeyName(clouds.azureURI("nobody"))) }
                #expect(none?.code == .notFound)
            }
        }

        @Test func `a key that is rotated or disabled while it is open does not change what signs`() async throws {
            guard let clouds = try await Clouds.start() else { return }
            let name = try KeyName(clouds.azureURI("ec-p256"))
            try await with(clouds.azureEnvironment) { backend in
                let first = try await backend.open(name)
                try clouds.control("rotate", [("place", "azure"), ("name", "ec-p256")])
                _ = try await verifiedSignature(by: first.signer, over: message, scheme: .ecdsa(.sha256, .der))
                let second = try await backend.open(name)
                #expect(second.signer.publicKey != first.signer.publicKey && second.name != first.name)
                try clouds.set("wrong_name", true)
                let other = await failure {
                    _ = try await verifiedSignature(by: first.signer, over: message, scheme: .ecdsa(.sha256, .der))
                }
                #expect(other?.code == .rotated)
                try clouds.set("disabled", ["ec-p256"])
                let disabled = await failure {
                    _ = try await verifiedSignature(by: first.signer, over: message, scheme: .ecdsa(.sha256, .der))
                }
                #expect(disabled?.code == .unusable)
            }
        }

        @Test func `keys are listed over pages, made, and not made twice`() async throws {
            guard let clouds = try await Clouds.start() else { return }
            try await with(clouds.azureEnvironment) { backend in
                let listing = try await backend.list(try KeyName("azurekms://\(clouds.host)/"))
                #expect(listing.entries.count == 6 && listing.skipped.count == 3)
                let name = try KeyName(clouds.azureURI("release"))
                let made = try await backend.generate(.ec(.p384), name)
                let opened = try await backend.open(name)
                #expect(opened.signer.publicKey == made.signer.publicKey)
                let twice = await failure { _ = try await backend.generate(.ec(.p384), name) }
                #expect(twice?.code == .exists)
            }
        }

        @Test func `links and key ids lead to the same vault, with its port or without, and nowhere else`() throws {
            let nobody = ScriptedTransport([{ _ in KeyServiceResponse(status: 500) }])
            let client = KeyServiceClient(transport: nobody, environment: impatient([:]))
            let vault = try AzureVault("team", client)
            let link = "https://team.vault.azure.net:443/keys?api-version=7.4&$skiptoken=ab"
            #expect(try vault.path(ofLink: link) == "/keys?api-version=7.4&$skiptoken=ab")
            #expect(try AzureKey.segments("https://TEAM.vault.azure.net:443/keys/k/01", vault) == ["k", "01"])
            for other in [
                "https://team.vault.azure.net:444/keys?a", "https://team.vault.azure.net.evil.example/keys?a",
                "https://team.vault.azure.net/secrets?a", "http://team.vault.azure.net/keys?a",
                "//team.vault.azure.net/keys?a",
            ] {
                #expect(throws: CloudKeyError(.address, "")) { _ = try vault.path(ofLink: other) }
            }
            #expect(throws: CloudKeyError(.answer, "")) {
                _ = try AzureKey.segments("https://other.vault.azure.net/keys/k/01", vault)
            }
        }

        @Test func `a hash that is not the curve's is refused before anything is sent`() async throws {
            guard let clouds = try await Clouds.start() else { return }
            try await with(clouds.azureEnvironment) { backend in
                let opened = try await backend.open(try KeyName(clouds.azureURI("ec-p256")))
                let error = await keyFailure {
                    _ = try await verifiedSignature(by: opened.signer, over: message, scheme: .ecdsa(.sha384, .der))
                }
                #expect(error?.code == .scheme)
            }
            #expect(try clouds.hits("/sign") == 0)
        }
    }
}
