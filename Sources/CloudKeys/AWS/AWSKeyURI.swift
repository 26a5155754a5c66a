import SigningKeys

/// `awskms:///KEY[?region=REGION]`, or with an endpoint's host: `awskms://HOST[:PORT]/KEY`. KEY is an id, an ARN, or
/// `alias/NAME`; without one the URI names everything there.
struct AWSKeyURI: Sendable {
    let host: String
    let key: String
    private let region: String?

    init(_ name: KeyName) throws(CloudKeyError) {
        let uri = try ServiceKeyURI(name, parameters: ["region"])
        host = uri.authority
        key = uri.segments.joined(separator: "/")
        // Also an ARN has one slash: `arn:…:key/ID`, `arn:…:alias/NAME`.
        let first = uri.segments.first ?? ""
        let hasName = first == "alias" || first.hasPrefix("arn:")
        guard uri.segments.count < 2 || hasName, !uri.isFolder || uri.segments.isEmpty else {
            throw CloudKeyError(.name, "\(name) is no key of AWS KMS", hint: "such as awskms:///alias/release")
        }
        region = uri.query["region"]
    }

    /// The region: the URI's, the ARN's, the environment's, the profile's.
    func region(_ environment: KeyServiceEnvironment) throws -> String {
        if let region { return try AWSRegion.checked(region, "the key's URI") }
        let parts = key.split(separator: ":", omittingEmptySubsequences: false)
        if parts.count >= 6, parts[0] == "arn", parts[2] == "kms" {
            return try AWSRegion.checked(String(parts[3]), "the key's ARN")
        }
        if let text = environment["AWS_REGION"] { return try AWSRegion.checked(text, "AWS_REGION") }
        if let text = environment["AWS_DEFAULT_REGION"] { return try AWSRegion.checked(text, "AWS_DEFAULT_REGION") }
        if let text = try AWSProfile(environment).region { return try AWSRegion.checked(text, "the profile") }
        throw CloudKeyError(
            .configuration, "nothing says in which region the key is",
            hint: "add ?region=eu-central-1, or set AWS_REGION")
    }

    func address(_ environment: KeyServiceEnvironment, region: String) throws -> ServiceAddress {
        if !host.isEmpty { return try ServiceAddress(authority: host, source: "the key's URI") }
        let given = environment["AWS_ENDPOINT_URL_KMS"] ?? environment["AWS_ENDPOINT_URL"]
        return try ServiceAddress(
            given ?? "https://kms.\(region).\(AWSRegion.suffix(region))", source: "the address of AWS KMS")
    }

    /// The URI that names a key of the same service exactly.
    func name(_ arn: String, region: String) throws(CloudKeyError) -> KeyName {
        try KeyName(built: "\(KeyScheme.awskms.prefix)\(host)/\(arn)?region=\(region)")
    }
}
