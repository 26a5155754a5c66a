import Codecs
import Files
import SigningKeys

/// The profile that AWS's own tools would use, from `~/.aws/credentials` and `~/.aws/config`.
struct AWSProfile {
    let name: String
    private let credentials: [String: String]
    private let configuration: [String: String]

    init(_ environment: KeyServiceEnvironment) throws {
        let name = environment["AWS_PROFILE"] ?? environment["AWS_DEFAULT_PROFILE"] ?? "default"
        let secrets = environment["AWS_SHARED_CREDENTIALS_FILE"] ?? environment.home(".aws/credentials")
        let settings = environment["AWS_CONFIG_FILE"] ?? environment.home(".aws/config")
        self.name = name
        credentials = try Self.section(name, secrets) { try Files.readSecret($0) }
        configuration = try Self.section(name == "default" ? name : "profile \(name)", settings) {
            // It may name a program to run.
            try Files.readTrusted($0, limit: 1 << 20)
        }
    }

    var region: String? { configuration["region"] }

    /// The program that prints the profile's credentials, where it names one. [AWS SDKs, "Process credential provider"]
    var process: String? { configuration["credential_process"] ?? credentials["credential_process"] }

    /// The profile's long-lived keys, where it has some.
    ///
    /// - Throws: `CloudKeyError(.configuration)` for a profile that gets its keys in a way that is not supported.
    func keys() throws -> AWSCredentials? {
        if let id = credentials["aws_access_key_id"], let secret = credentials["aws_secret_access_key"] {
            return try AWSCredentials(
                id: id, secret: secret, session: credentials["aws_session_token"], source: "the profile \(name)")
        }
        let other = ["sso_session", "sso_start_url", "role_arn", "login_session"]
        if let way = other.first(where: { credentials[$0] != nil || configuration[$0] != nil }) {
            throw CloudKeyError(
                .configuration, "the AWS profile \(name) gets its credentials by \(way), which is not supported",
                hint: "eval \"$(aws configure export-credentials --profile \(name) --format env)\"")
        }
        return nil
    }

    private static func section(
        _ wanted: String, _ path: String?, _ read: (String) throws -> [UInt8]
    ) throws -> [String: String] {
        guard let path, Files.exists(path) else { return [:] }
        var section: String?
        var values: [String: String] = [:]
        for line in String(decoding: try read(path), as: UTF8.self).split(whereSeparator: \.isNewline) {
            if line.hasPrefix("[") {
                section = trimmed(line.dropFirst().prefix { $0 != "]" })
            } else if section == wanted, let equals = line.firstIndex(of: "="), let first = line.first,
                first != "#", first != ";", first != " ", first != "\t"
            {
                values[trimmed(line[..<equals])] = trimmed(line[line.index(after: equals)...])
            }
        }
        return values
    }

    private static func trimmed(_ text: Substring) -> String {
        var text = text
        while let first = text.first, first == " " || first == "\t" { text.removeFirst() }
        while let last = text.last, last == " " || last == "\t" { text.removeLast() }
        return String(text)
    }
}

extension AWSCredentials {
    /// Takes credentials as texts that go into headers.
    init(id: String, secret: String, session: String?, source: String) throws(CloudKeyError) {
        guard [id, secret, session ?? "-"].allSatisfy({ !$0.isEmpty && $0.utf8.allSatisfy { (0x21...0x7E) ~= $0 } })
        else { throw CloudKeyError(.configuration, "\(source) has AWS credentials with characters that none have") }
        self.init(id: id, secret: Secret(secret), session: session)
    }
}
