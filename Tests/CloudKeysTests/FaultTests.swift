import Codecs
import Foundation
import KeyServices
import SigningKeys
import Testing

@testable import CloudKeys

extension KeyServiceTests {
    /// What every backend must bear, shown with the doubles, whose faults can be chosen.
    @Suite struct FaultTests {
        private func open(
            _ clouds: Clouds, _ key: String, _ environment: KeyServiceEnvironment? = nil,
            _ body: (any Signer) async throws -> Void
        ) async throws {
            try await HTTPKeyTransport.with { transport in
                let backend = AzureBackend(environment ?? impatient(clouds.azureEnvironment), transport: transport)
                try await body(try await backend.open(try KeyName(clouds.azureURI(key))).signer)
            }
        }

        private func sign(_ signer: any Signer) async -> CloudKeyError? {
            let scheme = schemes(signer.publicKey.type)[0]
            return await failure { _ = try await verifiedSignature(by: signer, over: message, scheme: scheme) }
        }

        @Test(arguments: [JSON.integer(20), .integer(0)])
        func `a signature with another salt than the hash's length never gets out`(salt: JSON) async throws {
            guard let clouds = try await Clouds.start() else { return }
            try await open(clouds, "rsa-2048") { signer in
                try clouds.set("salt", salt)
                let error = await keyFailure {
                    _ = try await verifiedSignature(by: signer, over: message, scheme: .rsaPSS(.sha256))
                }
                #expect(error?.code == .unconfirmedSignature)
            }
        }

        @Test func `a signature over something else never gets out`() async throws {
            guard let clouds = try await Clouds.start() else { return }
            try await open(clouds, "ec-p256") { signer in
                try clouds.set("wrong_signature", true)
                let error = await keyFailure {
                    _ = try await verifiedSignature(by: signer, over: message, scheme: .ecdsa(.sha256, .fixed))
                }
                #expect(error?.code == .unconfirmedSignature)
            }
        }

        @Test func `a busy service is asked again after the time that it names, a few times`() async throws {
            guard let clouds = try await Clouds.start() else { return }
            let waits = Waits()
            let environment = KeyServiceEnvironment(clouds.azureEnvironment, wait: { waits.add($0) })
            try await open(clouds, "ec-p256", environment) { signer in
                try clouds.set("throttled", 2)
                try clouds.set("retry_after", "3")
                let patient = await sign(signer)
                #expect(patient == nil)
                #expect(waits.all == [.seconds(3), .seconds(3)])
                try clouds.set("throttled", 100)
                let start = try clouds.hits("/sign")
                let refused = await sign(signer)
                #expect(refused?.code == .throttled && refused?.hint != nil)
                #expect(try clouds.hits("/sign") - start == 5)
                // Longer than the whole operation may take: not waited for.
                try clouds.set("retry_after", "120")
                let late = await sign(signer)
                #expect(late?.code == .throttled)
                #expect(try clouds.hits("/sign") - start == 6)
            }
        }

        @Test func `a service that fails or cuts the line once is asked again`() async throws {
            guard let clouds = try await Clouds.start() else { return }
            try await open(clouds, "ec-p256") { signer in
                for fault in ["failing", "cut"] {
                    try clouds.set(fault, 1)
                    let error = await sign(signer)
                    #expect(error == nil)
                }
                try clouds.set("cut", 100)
                let cut = await sign(signer)
                #expect(cut?.code == .unreachable)
            }
        }

        @Test func `a token that the service no longer takes is fetched anew, once for all who sign`() async throws {
            guard let clouds = try await Clouds.start() else { return }
            try await open(clouds, "ec-p256") { signer in
                try clouds.control("expire")
                let before = try clouds.hits("/oauth2/v2.0/token")
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for number in UInt8(0)..<16 {
                        group.addTask {
                            _ = try await verifiedSignature(by: signer, over: [number], scheme: .ecdsa(.sha256, .fixed))
                        }
                    }
                    try await group.waitForAll()
                }
                #expect(try clouds.hits("/oauth2/v2.0/token") - before == 1)
            }
        }

        @Test func `a service that always has another page, and an empty one, is listed no further`() async throws {
            let pages = ScriptedTransport([
                { request in
                    if request.url.contains("computeMetadata") {
                        return .json(
                            200, ["access_token": "t", "expires_in": 3_600, "token_type": "Bearer"],
                            [("Metadata-Flavor", "Google")])
                    }
                    return .json(
                        200,
                        [
                            "Keys": [], "Aliases": [], "Truncated": true, "NextMarker": "x", "cryptoKeys": [],
                            "nextPageToken": "x",
                        ])
                }
            ])
            let environment = KeyServiceEnvironment([
                "AWS_REGION": "eu-central-1", "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b",
            ])
            for (backend, place, most) in [
                (AWSBackend(environment, transport: pages) as any KeyBackend, "awskms:///", Paging.mostPages),
                (
                    GCPBackend(environment, transport: pages),
                    "gcpkms://projects/p/locations/l/keyRings/r", 2 * Paging.mostPages + 1
                ),
            ] {
                let error = await failure { _ = try await backend.list(try KeyName(place)) }
                #expect(error?.code == .answer && error?.reason.contains("20 pages") == true, "\(error as Any)")
                #expect(await pages.requests.count == most)
            }
        }

        @Test func `a service that hangs is given up in time`() async throws {
            guard let clouds = try await Clouds.start() else { return }
            try await open(clouds, "ec-p256") { signer in
                try clouds.set("hang", 1)
                let start = ContinuousClock.now
                let error = await sign(signer)
                #expect(error?.code == .deadline)
                #expect(ContinuousClock.now - start < .seconds(15))
            }
        }

        @Test func `an answer that is too large, or sends on elsewhere, is refused`() async throws {
            guard let clouds = try await Clouds.start() else { return }
            try await open(clouds, "ec-p256") { signer in
                try clouds.set("redirect", .string("\(clouds.http)/elsewhere"))
                let moved = await sign(signer)
                #expect(moved?.code == .address)
                #expect(try clouds.hits("/elsewhere") == 0)
                try clouds.set("redirect", .null)
                try clouds.set("oversize", true)
                let large = await sign(signer)
                #expect(large?.code == .answer)
            }
        }

        @Test(arguments: [
            "http://vault.example.com", "http://169.254.169.254", "ftp://127.0.0.1", "https://user@vault.example.com",
            "https://", "https://a b", "https://vault.example.com:0", "https://vault..example.com",
            "http://127.evil.com",
            "https://vault.example.com/?a", "http://localhost.evil.com",
        ])
        func `secrets go nowhere but to https and to this machine`(text: String) {
            #expect(throws: CloudKeyError(.address, "")) { _ = try ServiceAddress(text, source: "VAULT_ADDR") }
        }

        @Test func `plain http is for this machine, and for metadata at the addresses that clouds have`() throws {
            for text in [
                "http://127.0.0.1:8200", "http://localhost", "http://[::1]:8200", "https://vault.example.com/v",
            ] {
                #expect(try ServiceAddress(text, source: "a test").text == text)
            }
            #expect(try ServiceAddress("http://169.254.169.254", .metadata, source: "a test").isEncrypted == false)
            #expect(throws: CloudKeyError(.address, "")) {
                _ = try ServiceAddress("http://10.0.0.1", .metadata, source: "a test")
            }
        }

        @Test(arguments: [
            "hashivault://transit", "hashivault://transit/k?version=0", "hashivault://transit/k?pin=1",
            "hashivault://transit/k?version=1&version=2", "hashivault://transit/../sys/seal",
            "hashivault://../sys/seal",
            "hashivault://tr#ansit/k", "hashivault://transit/k%2f..",
            "awskms:///a/b", "awskms:///alias/a?region=", "azurekms://vault/", "azurekms:///k",
            "azurekms://vault/a/b/c",
            "gcpkms://projects/p", "gcpkms://projects/p/locations/l/keyRings/r/cryptoKeys/k/cryptoKeyVersions/x",
        ])
        func `a URI that names no key is refused before anything is sent`(text: String) async throws {
            let transport = ScriptedTransport([{ _ in KeyServiceResponse(status: 500) }])
            let environment = impatient([
                "VAULT_ADDR": "http://127.0.0.1:1", "VAULT_TOKEN": "t", "AWS_REGION": "eu-central-1",
            ])
            let name = try KeyName(text)
            let backends = CloudKeys.backends(environment) { _ in transport }
            let backend = try #require(backends[name.scheme])
            let error = await failure { _ = try await backend.open(name) }
            #expect(error?.code == .name)
            #expect(await transport.requests.isEmpty)
        }

        @Test func `Microsoft's and Google's own clients take the doubles for the real services`() async throws {
            guard let clouds = try await Clouds.start(), let python = try await KeyServicePython.withVendors() else {
                return
            }
            let output = try KeyServicePython.run(python, "vendor_clients.py", [clouds.line])
            #expect(
                output.split(separator: "\n") == [
                    "azure ec-p256", "azure ec-p521", "azure rsa-3072", "azure nobody", "google ec-p256",
                    "google rsa-4096", "google makes PENDING_GENERATION PENDING_GENERATION ENABLED",
                    "google ec-p256 federated", "google rsa-4096 federated",
                ])
        }

        @Test func `a machine and a container in AWS get the credentials of their roles`() async throws {
            guard let clouds = try await Clouds.start(), let aws = try await MiniStack.shared() else { return }
            let name = try KeyName("awskms:///\(try aws.makeKey("ECC_NIST_P256"))")
            let session = try aws.makeSession(actions: ["kms:*"])
            try clouds.set("aws", session)
            let machine = ["AWS_EC2_METADATA_SERVICE_ENDPOINT": clouds.http, "AWS_EC2_METADATA_DISABLED": "false"]
            let container = [
                "AWS_CONTAINER_CREDENTIALS_FULL_URI": "\(clouds.http)/container",
                "AWS_CONTAINER_AUTHORIZATION_TOKEN": clouds.machineSecret,
            ]
            for variables in [machine, container] {
                try await HTTPKeyTransport.with { transport in
                    let environment = impatient(aws.place.merging(variables) { $1 })
                    let opened = try await AWSBackend(environment, transport: transport).open(name)
                    _ = try await verifiedSignature(by: opened.signer, over: message, scheme: .ecdsa(.sha256, .der))
                }
            }
        }
    }
}
