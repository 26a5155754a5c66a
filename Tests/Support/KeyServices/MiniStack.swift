package import Codecs
import Foundation

/// MiniStack's AWS KMS, IAM and STS on loopback, which check signatures and policies, and sign with real keys.
package final class MiniStack: KeyService {
    package struct Failure: Error, CustomStringConvertible { package let description: String }

    /// What an IAM user signs requests with.
    package struct User: Sendable {
        package let id: String
        package let secret: String

        package init(id: String, secret: String) {
            self.id = id
            self.secret = secret
        }
    }

    package static let region = "eu-central-1"

    package let endpoint: String
    private let administrator: LineProcess
    private let server: ServerProcess

    private static let common = Task { try await MiniStack.start() }

    /// One server for every test; nil, said aloud, where it cannot be installed.
    package static func shared() async throws -> MiniStack? { try await common.value }

    /// A server of its own, which ends with the value.
    package static func start() async throws -> MiniStack? {
        guard let python = try await KeyServicePython.withServers() else { return nil }
        let stack = try MiniStack(python)
        let (server, address) = (stack.server, stack.endpoint)
        let port = Int(address.split(separator: ":").last ?? "") ?? 0
        try await server.waitUntil("MiniStack") { ServerProcess.isListening(port) }
        return stack
    }

    private init(_ python: URL) throws {
        let port = try ServerProcess.freePort()
        endpoint = "http://127.0.0.1:\(port)"
        administrator = try LineProcess(
            [python.path, KeyServicePython.script("aws_admin.py"), endpoint, Self.region])
        server = try ServerProcess(
            [python.path, "-m", "ministack"], in: try ServerProcess.directory("ministack"),
            environment: [
                "BIND_HOST": "127.0.0.1", "SERVICES": "kms,iam,sts", "AUTH": "true", "GATEWAY_PORT": "\(port)",
                "MINISTACK_REGION": Self.region,
            ])
    }

    /// Hangs until `resume`.
    package func pause() throws { try server.pause() }

    package func resume() throws { try server.resume() }

    /// As a user who may do everything with keys.
    package var environment: [String: String] {
        get throws { environment(of: try makeUser(actions: ["kms:*"])) }
    }

    /// What every program needs to find the services, and nobody's credentials.
    package var place: [String: String] {
        [
            "AWS_ENDPOINT_URL": endpoint, "AWS_REGION": Self.region, "AWS_EC2_METADATA_DISABLED": "true",
            "HOME": server.directory.path,
        ]
    }

    package func environment(of user: User) -> [String: String] {
        place.merging(["AWS_ACCESS_KEY_ID": user.id, "AWS_SECRET_ACCESS_KEY": user.secret]) { $1 }
    }

    /// Calls an operation as the administrator.
    @discardableResult
    package func call(_ service: String, _ operation: String, _ parameters: JSON) throws -> JSONObject {
        let request: JSON = [.string(service), .string(operation), parameters]
        let answer = try administrator.ask(request)
        if let error = answer["error"] {
            throw Failure(description: "\(service) \(operation): \(error.stringOrNil ?? "")")
        }
        return answer
    }

    package func makeUser(actions: [String]) throws -> User {
        let name = "user-\(UUID().uuidString)"
        try call("iam", "create_user", ["UserName": .string(name)])
        try call(
            "iam", "put_user_policy",
            ["UserName": .string(name), "PolicyName": "p", "PolicyDocument": .string(Self.policy(actions))])
        let key = try call("iam", "create_access_key", ["UserName": .string(name)])
            .object("AccessKey", in: "create_access_key")
        return User(
            id: try key.string("AccessKeyId", in: "AccessKey"),
            secret: try key.string("SecretAccessKey", in: "AccessKey"))
    }

    /// Credentials of a role, which expire, as metadata services give them out.
    package func makeSession(actions: [String]) throws -> JSON {
        let role = "role-\(UUID().uuidString)"
        let trust: JSON = [
            "Version": "2012-10-17",
            "Statement": [["Effect": "Allow", "Action": "sts:AssumeRole", "Principal": ["AWS": "*"]]],
        ]
        let made = try call(
            "iam", "create_role", ["RoleName": .string(role), "AssumeRolePolicyDocument": .string(trust.text)])
        try call(
            "iam", "put_role_policy",
            ["RoleName": .string(role), "PolicyName": "p", "PolicyDocument": .string(Self.policy(actions))])
        let arn = try made.object("Role", in: "create_role").string("Arn", in: "Role")
        let session = try call("sts", "assume_role", ["RoleArn": .string(arn), "RoleSessionName": "test"])
            .object("Credentials", in: "assume_role")
        return [
            "AccessKeyId": try session.require("AccessKeyId", in: "Credentials"),
            "SecretAccessKey": try session.require("SecretAccessKey", in: "Credentials"),
            "Token": try session.require("SessionToken", in: "Credentials"),
        ]
    }

    package static func policy(_ actions: [String]) -> String {
        let statement: JSON = ["Effect": "Allow", "Action": .array(actions.map { .string($0) }), "Resource": "*"]
        return JSON.object(JSONObject([("Version", "2012-10-17"), ("Statement", [statement])])).text
    }

    /// Makes a key and returns its ARN.
    package func makeKey(_ spec: String, usage: String = "SIGN_VERIFY") throws -> String {
        try call("kms", "create_key", ["KeySpec": .string(spec), "KeyUsage": .string(usage)])
            .object("KeyMetadata", in: "create_key").string("Arn", in: "KeyMetadata")
    }

    package static let specs = [
        "ec-p256": "ECC_NIST_P256", "ec-p384": "ECC_NIST_P384", "ec-p521": "ECC_NIST_P521", "rsa-2048": "RSA_2048",
        "rsa-3072": "RSA_3072", "rsa-4096": "RSA_4096", "ed25519": "ECC_NIST_EDWARDS25519",
    ]

    package func makeKeys() throws -> [String: String] { try Self.specs.mapValues { "awskms:///\(try makeKey($0))" } }

    /// Writes a file that only this user can read, in the directory that goes away with the server.
    package func secretFile(_ text: String) throws -> String { try server.secretFile(text) }
}
