import Codecs
import Files
import Foundation
import KeyServices
import SigningKeys
import Synchronization
import Testing

@testable import CloudKeys

extension KeyServiceTests {
    /// Against MiniStack, which checks signatures of requests and policies.
    @Suite struct AWSTests {
        private func with<Value>(
            _ environment: KeyServiceEnvironment, _ body: (AWSBackend) async throws -> Value
        ) async throws -> Value {
            try await HTTPKeyTransport.with { try await body(AWSBackend(environment, transport: $0)) }
        }

        @Test(arguments: MiniStack.specs.keys.sorted())
        func `a key of each type signs, and its public key confirms it`(type: String) async throws {
            guard let aws = try await MiniStack.shared() else { return }
            let arn = try aws.makeKey(try #require(MiniStack.specs[type]))
            try await with(KeyServiceEnvironment(try aws.environment)) { backend in
                let opened = try await backend.open(try KeyName("awskms:///\(arn)"))
                #expect(opened.signer.publicKey.type == typesByName[type])
                #expect(opened.name.text == "awskms:///\(arn)?region=\(MiniStack.region)")
                for scheme in schemes(opened.signer.publicKey.type) {
                    _ = try await verifiedSignature(by: opened.signer, over: message, scheme: scheme)
                }
            }
        }

        @Test func `OpenSSL confirms a signature too`() async throws {
            guard let aws = try await MiniStack.shared() else { return }
            let arn = try aws.makeKey("ECC_NIST_P384")
            let opened = try await with(KeyServiceEnvironment(try aws.environment)) { backend in
                let opened = try await backend.open(try KeyName("awskms:///\(arn)"))
                let signature = try await verifiedSignature(
                    by: opened.signer, over: message, scheme: .ecdsa(.sha384, .der))
                return (opened.signer.publicKey, signature)
            }
            #expect(try isValidForOpenSSL(opened.1, opened.0, digest: "-sha384"))
            #expect(try !isValidForOpenSSL(opened.1, opened.0, digest: "-sha256"))
        }

        @Test func `an alias that is pointed elsewhere changes nothing for a key that is open`() async throws {
            guard let aws = try await MiniStack.shared() else { return }
            let alias = "alias/\(UUID().uuidString)"
            let (first, second) = (try aws.makeKey("ECC_NIST_P256"), try aws.makeKey("ECC_NIST_P256"))
            try aws.call("kms", "create_alias", ["AliasName": .string(alias), "TargetKeyId": .string(first)])
            try await with(KeyServiceEnvironment(try aws.environment)) { backend in
                let opened = try await backend.open(try KeyName("awskms:///\(alias)"))
                #expect(opened.name.text.contains(first))
                try aws.call("kms", "update_alias", ["AliasName": .string(alias), "TargetKeyId": .string(second)])
                _ = try await verifiedSignature(by: opened.signer, over: message, scheme: .ecdsa(.sha256, .fixed))
                let reopened = try await backend.open(try KeyName("awskms:///\(alias)"))
                #expect(reopened.signer.publicKey != opened.signer.publicKey)
            }
        }

        @Test func `the endpoint may stand in the URI`() async throws {
            guard let aws = try await MiniStack.shared() else { return }
            let arn = try aws.makeKey("ECC_NIST_P256")
            var variables = try aws.environment
            variables["AWS_ENDPOINT_URL"] = nil
            variables["AWS_REGION"] = nil
            let host = aws.endpoint.dropFirst("http://".count)
            let id = arn.split(separator: "/")[1]
            try await with(KeyServiceEnvironment(variables)) { backend in
                let opened = try await backend.open(try KeyName("awskms://\(host)/\(id)?region=\(MiniStack.region)"))
                #expect(opened.name.text == "awskms://\(host)/\(arn)?region=\(MiniStack.region)")
                _ = try await verifiedSignature(by: opened.signer, over: message, scheme: .ecdsa(.sha256, .der))
            }
        }

        @Test func `a key that is disabled or waits for its deletion is refused, opened or not`() async throws {
            guard let aws = try await MiniStack.shared() else { return }
            try await with(KeyServiceEnvironment(try aws.environment)) { backend in
                for operation in ["disable_key", "schedule_key_deletion"] {
                    let arn = try aws.makeKey("ECC_NIST_P256")
                    let opened = try await backend.open(try KeyName("awskms:///\(arn)"))
                    try aws.call("kms", operation, ["KeyId": .string(arn)])
                    let signing = await failure {
                        _ = try await verifiedSignature(by: opened.signer, over: message, scheme: .ecdsa(.sha256, .der))
                    }
                    #expect(signing?.code == .unusable && signing?.hint != nil)
                    let opening = await failure { _ = try await backend.open(try KeyName("awskms:///\(arn)")) }
                    #expect(opening?.code == .unusable && opening?.hint != nil)
                }
            }
        }

        @Test func `keys that are not for signing, or are not there, are refused`() async throws {
            guard let aws = try await MiniStack.shared() else { return }
            let cipher = try aws.makeKey("SYMMETRIC_DEFAULT", usage: "ENCRYPT_DECRYPT")
            let rsa = try aws.makeKey("RSA_2048", usage: "ENCRYPT_DECRYPT")
            try await with(KeyServiceEnvironment(try aws.environment)) { backend in
                for arn in [cipher, rsa] {
                    let error = await failure { _ = try await backend.open(try KeyName("awskms:///\(arn)")) }
                    #expect(error?.code == .unusable)
                }
                let none = await failure { _ = try await backend.open(try KeyName("awskms:///alias/nobody")) }
                #expect(none?.code == .notFound)
            }
        }

        @Test func `a wrong secret, an unknown id and a missing right are told apart, and no secret is shown`()
            async throws
        {
            guard let aws = try await MiniStack.shared() else { return }
            let name = try KeyName("awskms:///\(try aws.makeKey("ECC_NIST_P256"))")
            let user = try aws.makeUser(actions: ["kms:GetPublicKey"])
            let wrong = "0000000000000000000000000000000000000000"
            for (id, secret) in [(user.id, wrong), ("AKIAXXXXXXXXXXXXXXXX", user.secret)] {
                let variables = aws.environment(of: .init(id: id, secret: secret))
                let error = try await with(KeyServiceEnvironment(variables)) { backend in
                    await failure { _ = try await backend.open(name) }
                }
                #expect(error?.code == .credentials)
                #expect(error.map { "\($0)".contains(secret) } == false)
            }
            try await with(KeyServiceEnvironment(aws.environment(of: user))) { backend in
                let opened = try await backend.open(name)
                let denied = await failure {
                    _ = try await verifiedSignature(by: opened.signer, over: message, scheme: .ecdsa(.sha256, .der))
                }
                #expect(denied?.code == .denied)
            }
        }

        @Test func `a clock that is an hour off is named as the reason`() async throws {
            guard let aws = try await MiniStack.shared() else { return }
            let name = try KeyName("awskms:///\(try aws.makeKey("ECC_NIST_P256"))")
            let environment = KeyServiceEnvironment(
                try aws.environment, now: { UTCDate(seconds: Int64(Date().timeIntervalSince1970) - 3_600) })
            let error = try await with(environment) { backend in await failure { _ = try await backend.open(name) } }
            #expect(error?.code == .clock)
        }

        @Test func `keys are made with an alias, listed, and an alias is not taken twice`() async throws {
            guard let aws = try await MiniStack.shared() else { return }
            let cipher = try aws.makeKey("SYMMETRIC_DEFAULT", usage: "ENCRYPT_DECRYPT")
            try await with(KeyServiceEnvironment(try aws.environment)) { backend in
                let name = try KeyName("awskms:///alias/made-\(UUID().uuidString)")
                let made = try await backend.generate(.ec(.p384), name)
                let opened = try await backend.open(name)
                #expect(opened.signer.publicKey == made.signer.publicKey)
                let twice = await failure { _ = try await backend.generate(.ec(.p384), name) }
                #expect(twice?.code == .exists)
                let listing = try await backend.list(try KeyName("awskms:///"))
                #expect(listing.entries.contains { $0.name == made.name && $0.publicKey == made.signer.publicKey })
                #expect(listing.skipped.contains { $0.hasPrefix(cipher) })
                let numbered = await failure {
                    _ = try await backend.generate(.ec(.p384), try KeyName("awskms:///1234"))
                }
                #expect(numbered?.code == .name)
            }
        }

        @Test func `a token of a build system is traded for credentials that sign until they expire`() async throws {
            guard let aws = try await MiniStack.shared() else { return }
            let name = try KeyName("awskms:///\(try aws.makeKey("ECC_NIST_P256"))")
            let role = "role-\(UUID().uuidString)"
            let provider = "arn:aws:iam::000000000000:oidc-provider/token.example"
            let trust: JSON = [
                "Version": "2012-10-17",
                "Statement": [
                    [
                        "Effect": "Allow", "Action": "sts:AssumeRoleWithWebIdentity",
                        "Principal": ["Federated": .string(provider)],
                    ]
                ],
            ]
            try aws.call(
                "iam", "create_role", ["RoleName": .string(role), "AssumeRolePolicyDocument": .string(trust.text)])
            try aws.call(
                "iam", "put_role_policy",
                [
                    "RoleName": .string(role), "PolicyName": "p",
                    "PolicyDocument": .string(MiniStack.policy(["kms:*"])),
                ])
            var variables = aws.place
            variables["AWS_ROLE_ARN"] = "arn:aws:iam::000000000000:role/\(role)"
            let claims: JSON = ["iss": "https://token.example", "sub": "build", "aud": "sts.amazonaws.com"]
            let token =
                ["{}", claims.text].map { Base64.encode(Array($0.utf8), .url) }.joined(separator: ".") + ".c2ln"
            variables["AWS_WEB_IDENTITY_TOKEN_FILE"] = try aws.secretFile(token)
            let seen = Paths()
            try await HTTPKeyTransport.with { transport in
                let watched = ChangingTransport(inner: transport) { request, response in
                    seen.add(String(decoding: request.body.prefix(40), as: UTF8.self))
                    return response
                }
                let time = Mutex(Int64(Date().timeIntervalSince1970))
                let environment = KeyServiceEnvironment(variables, now: { UTCDate(seconds: time.withLock { $0 }) })
                let backend = AWSBackend(environment, transport: watched)
                let opened = try await backend.open(name)
                _ = try await verifiedSignature(by: opened.signer, over: message, scheme: .ecdsa(.sha256, .der))
                #expect(seen.count("AssumeRoleWithWebIdentity") == 1)
                // Near their end they are replaced before anything is sent with them.
                time.withLock { $0 += 3_550 }
                _ = await failure {
                    _ = try await verifiedSignature(by: opened.signer, over: message, scheme: .ecdsa(.sha256, .der))
                }
                #expect(seen.count("AssumeRoleWithWebIdentity") == 2)
            }
        }

        @Test func `the environment wins over the profile that is named, which wins over the default one`() async throws
        {
            guard let aws = try await MiniStack.shared() else { return }
            let name = try KeyName("awskms:///\(try aws.makeKey("ECC_NIST_P256"))")
            let user = try aws.makeUser(actions: ["kms:*"])
            let file = try aws.secretFile(
                """
                [default]
                aws_access_key_id = AKIAXXXXXXXXXXXXXXXX
                aws_secret_access_key = nobody
                # a comment
                [good]
                aws_access_key_id=\(user.id)
                aws_secret_access_key = \(user.secret)
                [elsewhere]
                sso_session = office
                """)
            var variables = aws.place
            variables["AWS_SHARED_CREDENTIALS_FILE"] = file
            func opened(_ more: [String: String]) async throws -> CloudKeyError? {
                try await with(KeyServiceEnvironment(variables.merging(more) { $1 })) { backend in
                    await failure { _ = try await backend.open(name) }
                }
            }
            let unnamed = try await opened([:])
            #expect(unnamed?.code == .credentials)
            let named = try await opened(["AWS_PROFILE": "good"])
            #expect(named == nil)
            let keys = ["AWS_ACCESS_KEY_ID": user.id, "AWS_SECRET_ACCESS_KEY": user.secret]
            for more in [keys, keys.merging(["AWS_PROFILE": "default"]) { $1 }] {
                let environment = try await opened(more)
                #expect(environment == nil)
            }
            let nobody = ["AWS_ACCESS_KEY_ID": "AKIAXXXXXXXXXXXXXXXX", "AWS_SECRET_ACCESS_KEY": "nobody"]
            let overruled = try await opened(nobody.merging(["AWS_PROFILE": "good"]) { $1 })
            #expect(overruled?.code == .credentials)
            let process = try await opened(["AWS_PROFILE": "elsewhere"])
            #expect(process?.code == .configuration && process?.reason.contains("sso_session") == true)
            try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: file)
            await #expect(throws: (any Error).self) {
                try await with(KeyServiceEnvironment(variables.merging(["AWS_PROFILE": "good"]) { $1 })) { backend in
                    _ = try await backend.open(name)
                }
            }
        }

        @Test func `a profile's program gives credentials, and is asked again when they expire`() async throws {
            guard let aws = try await MiniStack.shared() else { return }
            let name = try KeyName("awskms:///\(try aws.makeKey("ECC_NIST_P256"))")
            let user = try aws.makeUser(actions: ["kms:*"])
            let time = Mutex(Int64(Date().timeIntervalSince1970))
            let expires = UTCDate(seconds: time.withLock { $0 } + 600)
            let program = try privateFile(
                """
                #!/bin/sh
                echo run >> "$2"
                echo '{"Version":1,"AccessKeyId":"\(user.id)","SecretAccessKey":"\(user.secret)","Expiration":"\(expires)"}'
                """, mode: 0o700)
            let runs = try privateFile("")
            let file = try privateFile("[profile build]\ncredential_process = \(program) 'two words' \"\(runs)\"\n")
            defer { for path in [program, runs, file] { try? FileManager.default.removeItem(atPath: path) } }
            var variables = aws.place
            variables["AWS_CONFIG_FILE"] = file
            variables["AWS_PROFILE"] = "build"
            let environment = KeyServiceEnvironment(variables, now: { UTCDate(seconds: time.withLock { $0 }) })
            try await with(environment) { backend in
                let opened = try await backend.open(name)
                _ = try await verifiedSignature(by: opened.signer, over: message, scheme: .ecdsa(.sha256, .der))
                #expect(try String(contentsOfFile: runs, encoding: .utf8) == "run\n")
                time.withLock { $0 += 590 }
                _ = try? await verifiedSignature(by: opened.signer, over: message, scheme: .ecdsa(.sha256, .der))
                #expect(try String(contentsOfFile: runs, encoding: .utf8) == "run\nrun\n")
            }
        }

        @Test(arguments: [
            ("/bin/false", CloudKeyError.Code.credentials, "status 1"), ("/no/such/program", .configuration, "started"),
            ("/bin/echo {}", .answer, "Version"), ("/bin/echo '{\"Version\":2}'", .answer, "another Version"),
            ("/bin/echo '{\"Version\":1,\"Else\":1}'", .answer, "Else"),
            ("/bin/echo nothing", .answer, "no credentials"),
            ("/bin/echo 'no end", .configuration, "quote"),
        ])
        func `a profile's program that gives no credentials is said to be at fault`(
            command: String, code: CloudKeyError.Code, says: String
        ) async throws {
            let file = try privateFile("[default]\ncredential_process=\(command)\n")
            defer { try? FileManager.default.removeItem(atPath: file) }
            let environment = KeyServiceEnvironment(["AWS_REGION": "eu-central-1", "AWS_CONFIG_FILE": file])
            try await with(environment) { backend in
                let error = await failure { _ = try await backend.open(try KeyName("awskms:///alias/a")) }
                #expect(error?.code == code && error?.reason.contains(says) == true, "\(String(describing: error))")
            }
        }

        @Test func `a profile that others could have written names no program`() async throws {
            let file = try privateFile("[default]\ncredential_process=/bin/true\n", mode: 0o666)
            // What a umask took away is given back.
            try FileManager.default.setAttributes([.posixPermissions: 0o666], ofItemAtPath: file)
            defer { try? FileManager.default.removeItem(atPath: file) }
            let environment = KeyServiceEnvironment(["AWS_REGION": "eu-central-1", "AWS_CONFIG_FILE": file])
            await #expect(throws: FileError.self) {
                try await with(environment) { backend in
                    _ = try await backend.open(try KeyName("awskms:///alias/a"))
                }
            }
        }

        @Test func `without any credentials the variables that help are named`() async throws {
            let environment = KeyServiceEnvironment(["AWS_REGION": "eu-central-1", "AWS_EC2_METADATA_DISABLED": "true"])
            try await with(environment) { backend in
                let error = await failure { _ = try await backend.open(try KeyName("awskms:///alias/a")) }
                #expect(error?.code == .configuration && error?.hint?.contains("AWS_ACCESS_KEY_ID") == true)
            }
        }
    }
}
