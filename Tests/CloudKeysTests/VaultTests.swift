import Codecs
import Foundation
import KeyServices
import SigningKeys
import Testing

@testable import CloudKeys

extension KeyServiceTests {
    /// Against a real OpenBao server.
    @Suite struct VaultTests {
        /// Opens keys as somebody, over connections of its own.
        private func with<Value>(
            _ variables: [String: String], caFile: String? = nil, _ body: (VaultBackend) async throws -> Value
        ) async throws -> Value {
            try await HTTPKeyTransport.with(caFile: caFile) { transport in
                try await body(try VaultBackend(KeyServiceEnvironment(variables), transport: transport))
            }
        }

        @Test(arguments: OpenBao.types.keys.sorted())
        func `a key of each type signs, and its public key confirms it`(type: String) async throws {
            guard let bao = try await OpenBao.shared() else { return }
            let name = try KeyName(try bao.makeKey(try #require(OpenBao.types[type])))
            try await with(bao.environment) { backend in
                let opened = try await backend.open(name)
                #expect(opened.signer.publicKey.type == typesByName[type])
                #expect(opened.name.text == "\(name.text)?version=1")
                for scheme in schemes(opened.signer.publicKey.type) {
                    _ = try await verifiedSignature(by: opened.signer, over: message, scheme: scheme)
                }
                let publicKey = try await backend.publicKey(name)
                #expect(publicKey == opened.signer.publicKey)
            }
        }

        @Test func `a key that was opened goes on in its version when it is rotated`() async throws {
            guard let bao = try await OpenBao.shared() else { return }
            let name = try KeyName(try bao.makeKey("ecdsa-p384"))
            try await with(bao.environment) { backend in
                let first = try await backend.open(name)
                try bao.run("write", "-f", "transit/keys/\(name.text.split(separator: "/").last ?? "")/rotate")
                _ = try await verifiedSignature(by: first.signer, over: message, scheme: .ecdsa(.sha384, .fixed))
                let second = try await backend.open(name)
                #expect(second.name.text.hasSuffix("?version=2"))
                #expect(second.signer.publicKey != first.signer.publicKey)
                let again = try await backend.open(first.name)
                #expect(again.signer.publicKey == first.signer.publicKey)
                let none = await failure { _ = try await backend.open(try KeyName("\(name.text)?version=3")) }
                #expect(none?.code == .notFound)
            }
        }

        @Test func `a version that was retired is said to be, and a key made anew is no substitute`() async throws {
            guard let bao = try await OpenBao.shared() else { return }
            let name = try KeyName(try bao.makeKey("ecdsa-p256"))
            let path = "transit/keys/\(name.text.split(separator: "/").last ?? "")"
            try await with(bao.environment) { backend in
                let opened = try await backend.open(name)
                try bao.run("write", "-f", "\(path)/rotate")
                try bao.run("write", "\(path)/config", "min_encryption_version=2", "deletion_allowed=true")
                let retired = await failure {
                    _ = try await verifiedSignature(by: opened.signer, over: message, scheme: .ecdsa(.sha256, .der))
                }
                #expect(retired?.code == .rotated)
                try bao.run("delete", path)
                let gone = await failure {
                    _ = try await verifiedSignature(by: opened.signer, over: message, scheme: .ecdsa(.sha256, .der))
                }
                #expect(gone?.code == .notFound)
                try bao.run("write", "-f", path, "type=ecdsa-p256")
                let other = await keyFailure {
                    _ = try await verifiedSignature(by: opened.signer, over: message, scheme: .ecdsa(.sha256, .der))
                }
                #expect(other?.code == .unconfirmedSignature)
            }
        }

        @Test func `keys are made, listed and not made twice; those that cannot sign are named`() async throws {
            guard let bao = try await OpenBao.shared() else { return }
            let mount = "team-\(UUID().uuidString.lowercased())"
            try bao.run("secrets", "enable", "-path=\(mount)/transit", "transit")
            try bao.run("write", "-f", "\(mount)/transit/keys/cipher", "type=aes256-gcm96")
            try await with(bao.environment) { backend in
                let name = try KeyName("hashivault://\(mount)/transit/release")
                let made = try await backend.generate(.ec(.p384), name)
                #expect(made.name.text == "hashivault://\(mount)/transit/release?version=1")
                let twice = await failure { _ = try await backend.generate(.ec(.p384), name) }
                #expect(twice?.code == .exists)
                let listing = try await backend.list(try KeyName("hashivault://\(mount)/transit/"))
                #expect(listing.entries.map(\.name) == [made.name])
                #expect(listing.entries.first?.publicKey == made.signer.publicKey)
                #expect(listing.skipped.count == 1 && listing.skipped[0].hasPrefix("cipher: "))
                let cipher = await failure {
                    _ = try await backend.open(try KeyName("hashivault://\(mount)/transit/cipher"))
                }
                #expect(cipher?.code == .unusable && cipher?.reason.contains("aes256-gcm96") == true)
            }
        }

        @Test func `a token without the right policy is refused, and so is a token that is none`() async throws {
            guard let bao = try await OpenBao.shared() else { return }
            let name = try KeyName(try bao.makeKey("ecdsa-p256"))
            let policy = try bao.makePolicy(#"path "transit/keys/*" { capabilities = ["read"] }"#)
            let token = try bao.run("token", "create", "-policy=\(policy)", "-field=token")
            try await with(bao.environment(token: token)) { backend in
                let opened = try await backend.open(name)
                let denied = await failure {
                    _ = try await verifiedSignature(by: opened.signer, over: message, scheme: .ecdsa(.sha256, .der))
                }
                #expect(denied?.code == .denied)
            }
            try await with(bao.environment(token: "s.not-a-token")) { backend in
                let unknown = await failure { _ = try await backend.open(name) }
                #expect(unknown?.code == .credentials)
                #expect(unknown.map { "\($0)".contains("s.not-a-token") } == false)
            }
        }

        @Test func `a policy that allows only digests is enough, and no more is sent`() async throws {
            guard let bao = try await OpenBao.shared() else { return }
            let name = try KeyName(try bao.makeKey("rsa-2048"))
            let policy = try bao.makePolicy(
                """
                path "transit/keys/*" { capabilities = ["read"] }
                path "transit/sign/*" {
                  capabilities = ["update"]
                  allowed_parameters = { "prehashed" = [true], "salt_length" = ["hash"], "*" = [] }
                }
                """)
            let token = try bao.run("token", "create", "-policy=\(policy)", "-field=token")
            try await with(bao.environment(token: token)) { backend in
                let opened = try await backend.open(name)
                _ = try await verifiedSignature(by: opened.signer, over: message, scheme: .rsaPSS(.sha256))
            }
        }

        @Test func `a role logs in with a secret id that works once, and signs as long as its token lasts`()
            async throws
        {
            guard let bao = try await OpenBao.shared() else { return }
            let name = try KeyName(try bao.makeKey("ecdsa-p256"))
            let role = try role(bao, "token_ttl=20m", "secret_id_num_uses=1")
            var variables = bao.environment(token: nil)
            variables["VAULT_ROLE_ID"] = role.id
            variables["VAULT_SECRET_ID_FILE"] = try bao.secretFile(role.secret + "\n")
            try await with(variables) { backend in
                let opened = try await backend.open(name)
                // Many at once share one login: a second one would fail.
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for number in UInt8(0)..<20 {
                        group.addTask {
                            _ = try await verifiedSignature(
                                by: opened.signer, over: [number], scheme: .ecdsa(.sha256, .fixed))
                        }
                    }
                    try await group.waitForAll()
                }
            }
            try await with(variables) { backend in
                let used = await failure { _ = try await backend.open(name) }
                #expect(used?.code == .credentials && used?.hint?.contains("secret id") == true)
                #expect(used.map { "\($0)".contains(role.secret) } == false)
            }
        }

        /// A token that gives out a role's new secret id once.
        private func wrapped(_ bao: OpenBao, _ path: String) throws -> String {
            try bao.run("write", "-f", "-wrap-ttl=2m", "-field=wrapping_token", path)
        }

        @Test func `a wrapped secret id is taken once, and a token that gave it to somebody else is an alarm`()
            async throws
        {
            guard let bao = try await OpenBao.shared() else { return }
            let name = try KeyName(try bao.makeKey("ecdsa-p256"))
            let role = try role(bao, "token_ttl=62s", "token_max_ttl=62s")
            let path = "auth/approle/role/\(role.name)/secret-id"
            var variables = bao.environment(token: nil)
            variables["VAULT_ROLE_ID"] = role.id
            let file = try bao.secretFile(try wrapped(bao, path) + "\n")
            variables["VAULT_WRAPPED_SECRET_ID_FILE"] = file
            try await with(variables) { backend in
                let opened = try await backend.open(name)
                // The token lasts no longer than its reserve: each signature logs in anew, with the secret id that is kept.
                try await Task.sleep(for: .seconds(3))
                _ = try await verifiedSignature(by: opened.signer, over: message, scheme: .ecdsa(.sha256, .der))
            }
            try await with(variables) { backend in
                let used = await failure { _ = try await backend.open(name) }
                #expect(used?.code == .credentials && used?.reason.contains("used already") == true)
                #expect(used?.hint?.contains("somebody else may hold the secret id") == true)
            }
            try Data(try wrapped(bao, path).utf8).write(to: URL(filePath: file))
            try await with(variables) { backend in _ = try await backend.open(name) }
        }

        @Test func `a token that wraps something else is not taken for a secret id`() async throws {
            guard let bao = try await OpenBao.shared() else { return }
            let name = try KeyName(try bao.makeKey("ecdsa-p256"))
            let role = try role(bao, "token_ttl=20m")
            var variables = bao.environment(token: nil)
            variables["VAULT_ROLE_ID"] = role.id
            let token = try bao.run("token", "create", "-wrap-ttl=2m", "-field=wrapping_token")
            variables["VAULT_WRAPPED_SECRET_ID_FILE"] = try bao.secretFile(token)
            try await with(variables) { backend in
                let other = await failure { _ = try await backend.open(name) }
                #expect(other?.code == .credentials, "\(String(describing: other))")
                #expect(other?.reason.contains("auth/token/create") == true)
                #expect(other.map { "\($0)".contains(token) } == false)
            }
        }

        @Test func `a role's token is renewed before it expires, and a login follows where that gives no time`()
            async throws
        {
            guard let bao = try await OpenBao.shared() else { return }
            let name = try KeyName(try bao.makeKey("ecdsa-p256"))
            // 62 s leave 2 s above the reserve; at most 66 s in all, so that one renewal helps and the next does not.
            for (greatest, logins) in [("20m", 1), ("62s", 2)] {
                let role = try role(bao, "token_ttl=62s", "token_max_ttl=\(greatest)")
                var variables = bao.environment(token: nil)
                variables["VAULT_ROLE_ID"] = role.id
                variables["VAULT_SECRET_ID"] = role.secret
                let seen = Paths()
                try await HTTPKeyTransport.with { transport in
                    let watched = ChangingTransport(inner: transport) { request, response in
                        seen.add(request.url)
                        return response
                    }
                    let backend = try VaultBackend(KeyServiceEnvironment(variables), transport: watched)
                    let opened = try await backend.open(name)
                    try await Task.sleep(for: .seconds(3))
                    _ = try await verifiedSignature(by: opened.signer, over: message, scheme: .ecdsa(.sha256, .der))
                }
                #expect(seen.count("/auth/token/renew-self") == 1)
                #expect(seen.count("/auth/approle/login") == logins)
            }
        }

        @Test func `a role's token that was revoked is replaced by a login`() async throws {
            guard let bao = try await OpenBao.shared() else { return }
            let name = try KeyName(try bao.makeKey("ecdsa-p256"))
            let role = try role(bao, "token_ttl=20m")
            var variables = bao.environment(token: nil)
            variables["VAULT_ROLE_ID"] = role.id
            variables["VAULT_SECRET_ID"] = role.secret
            let tokens = Paths()
            try await HTTPKeyTransport.with { transport in
                let watched = ChangingTransport(inner: transport) { request, response in
                    for header in request.headers where header.name == "X-Vault-Token" { tokens.add(header.value) }
                    return response
                }
                let backend = try VaultBackend(KeyServiceEnvironment(variables), transport: watched)
                let opened = try await backend.open(name)
                try bao.run("token", "revoke", try #require(tokens.last))
                _ = try await verifiedSignature(by: opened.signer, over: message, scheme: .ecdsa(.sha256, .der))
            }
        }

        @Test func `a sealed server is said to be sealed, at once`() async throws {
            guard let bao = try await OpenBao.start() else { return }
            let name = try KeyName(try bao.makeKey("ecdsa-p256"))
            try await with(bao.environment) { backend in
                let opened = try await backend.open(name)
                try bao.run("operator", "seal")
                let start = ContinuousClock.now
                let sealed = await failure {
                    _ = try await verifiedSignature(by: opened.signer, over: message, scheme: .ecdsa(.sha256, .der))
                }
                #expect(sealed?.code == .sealed && sealed?.hint?.contains("unseal") == true)
                #expect(ContinuousClock.now - start < .seconds(5))
            }
        }

        @Test func `TLS is believed with the CA that is named, and not without`() async throws {
            guard let bao = try await OpenBao.start(tls: true) else { return }
            let name = try KeyName(try bao.makeKey("ecdsa-p256"))
            try await with(bao.environment, caFile: bao.caFile) { backend in
                let opened = try await backend.open(name)
                _ = try await verifiedSignature(by: opened.signer, over: message, scheme: .ecdsa(.sha256, .der))
            }
            try await HTTPKeyTransport.with { transport in
                let backend = try VaultBackend(impatient(bao.environment), transport: transport)
                let stranger = await failure { _ = try await backend.open(name) }
                #expect(stranger?.code == .unreachable)
            }
        }

        private struct Role {
            let name: String
            let id: String
            let secret: String
        }

        private func role(_ bao: OpenBao, _ settings: String...) throws -> Role {
            let name = "role-\(UUID().uuidString.lowercased())"
            let policy = try bao.makePolicy(
                """
                path "transit/keys/*" { capabilities = ["read"] }
                path "transit/sign/*" { capabilities = ["update"] }
                """)
            try bao.run(["write", "auth/approle/role/\(name)", "token_policies=\(policy)"] + settings)
            return Role(
                name: name, id: try bao.run("read", "-field=role_id", "auth/approle/role/\(name)/role-id"),
                secret: try bao.run("write", "-f", "-field=secret_id", "auth/approle/role/\(name)/secret-id"))
        }
    }
}
