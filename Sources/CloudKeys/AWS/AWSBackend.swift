import Codecs
package import SigningKeys

/// Keys in AWS KMS: `awskms:///alias/NAME`, `awskms:///ID?region=…`, `awskms:///arn:…`, `awskms://HOST:PORT/KEY`.
///
/// An alias is looked up once, when a key is opened: what it is pointed at later does not change what a program signs
/// with.
package struct AWSBackend: KeyBackend {
    private let client: KeyServiceClient
    private let leases = AWSLeases()

    static let mostListed = 500
    private static let specs: [String: KeyType] = [
        "ECC_NIST_P256": .ec(.p256), "ECC_NIST_P384": .ec(.p384), "ECC_NIST_P521": .ec(.p521),
        "ECC_NIST_EDWARDS25519": .ed25519, "RSA_2048": .rsa(bits: 2_048), "RSA_3072": .rsa(bits: 3_072),
        "RSA_4096": .rsa(bits: 4_096),
    ]

    package init(_ environment: KeyServiceEnvironment, transport: any KeyServiceTransport) {
        client = KeyServiceClient(transport: transport, environment: environment)
    }

    package func open(_ name: KeyName) async throws -> OpenedKey {
        let aws = try await service(name)
        let key = try await describe(try Self.key(aws, name), aws)
        try await checkState(key.arn, aws)
        let signer = AWSSigner(publicKey: key.publicKey, arn: key.arn, client: aws)
        return OpenedKey(signer, name: try aws.uri.name(key.arn, region: aws.region))
    }

    package func publicKey(_ name: KeyName) async throws -> PublicKey {
        let aws = try await service(name)
        return try await describe(try Self.key(aws, name), aws).publicKey
    }

    package func list(_ name: KeyName) async throws -> KeyListing {
        let aws = try await service(name)
        guard aws.uri.key.isEmpty else {
            throw CloudKeyError(.name, "\(name) names a key, not a service", hint: "such as awskms:///?region=…")
        }
        let aliases = try await aliases(aws)
        var entries: [KeyListing.Entry] = []
        var skipped: [String] = []
        for arn in try await all("ListKeys", "Keys", "KeyArn", aws) {
            let names = aliases[String(arn.split(separator: "/").last ?? "")].map { " (\($0))" } ?? ""
            do {
                let key = try await describe(arn, aws)
                entries.append(
                    .init(name: try aws.uri.name(arn, region: aws.region), publicKey: key.publicKey, isPrivate: true))
            } catch let error as CloudKeyError where [.unusable, .denied, .notFound].contains(error.code) {
                skipped.append("\(quoted(arn))\(names): \(error.reason)")
            }
        }
        return KeyListing(entries: entries, skipped: skipped)
    }

    package func generate(_ type: KeyType, _ name: KeyName) async throws -> OpenedKey {
        let aws = try await service(name)
        let alias = aws.uri.key
        guard let spec = Self.specs.first(where: { $0.value == type })?.key else {
            throw KeyError(.unsupported, "AWS KMS makes no keys of type \(type)")
        }
        guard alias.isEmpty || alias.hasPrefix("alias/") else {
            throw CloudKeyError(
                .name, "AWS KMS chooses the id of a new key, so \(name) cannot be made", hint: "awskms:///alias/NAME")
        }
        if !alias.isEmpty,
            try await aliases(aws).values.contains(where: { $0.split(separator: " ").contains { $0 == alias } })
        {
            throw CloudKeyError(.exists, "\(alias) exists already", hint: "choose another alias; nothing was made")
        }
        let made = try await aws.call(
            "CreateKey", ["KeySpec": .string(spec), "KeyUsage": "SIGN_VERIFY", "Description": "made by roadstead"],
            attempts: 1, doing: "making a key of type \(type)")
        let arn = try KeyServiceResponse.reading(aws.service) {
            try made.object("KeyMetadata", in: "the answer").string("Arn", in: "KeyMetadata")
        }
        if !alias.isEmpty {
            _ = try await aws.call(
                "CreateAlias", ["AliasName": .string(alias), "TargetKeyId": .string(arn)],
                doing: "giving \(alias) to the new key \(quoted(arn))")
        }
        let opened = try await open(try aws.uri.name(arn, region: aws.region))
        try await confirm(opened)
        return opened
    }

    private static func key(_ aws: AWSClient, _ name: KeyName) throws(CloudKeyError) -> String {
        guard !aws.uri.key.isEmpty else {
            throw CloudKeyError(.name, "\(name) names no key", hint: "such as awskms:///alias/release")
        }
        return aws.uri.key
    }

    private func service(_ name: KeyName) async throws -> AWSClient {
        let uri = try AWSKeyURI(name)
        let region = try uri.region(client.environment)
        return try AWSClient(uri, client, lease: await leases.lease(region, client), region: region)
    }

    private func describe(_ key: String, _ aws: AWSClient) async throws -> (arn: String, publicKey: PublicKey) {
        let what = "reading the key \(quoted(key))"
        let answer = try await aws.call("GetPublicKey", ["KeyId": .string(key)], doing: what)
        return try KeyServiceResponse.reading(aws.service) {
            let arn = try answer.string("KeyId", in: "the answer")
            let spec = try answer.string("KeySpec", in: "the answer")
            guard try answer.string("KeyUsage", in: "the answer") == "SIGN_VERIFY", let type = Self.specs[spec] else {
                throw CloudKeyError(
                    .unusable, "\(what): it is of the kind \(quoted(spec)) and makes no signatures that are used here",
                    hint: "make one with --key-usage SIGN_VERIFY --key-spec ECC_NIST_P384")
            }
            let publicKey = try ServicePublicKey.spki(
                try Base64.decode(try answer.string("PublicKey", in: "the answer")), of: key)
            guard publicKey.type == type, arn.hasPrefix("arn:") else {
                throw CloudKeyError(
                    .answer, "\(what): the answer says \(quoted(spec)) of a key of type \(publicKey.type)")
            }
            return (arn, publicKey)
        }
    }

    /// Whether the key may sign, where the caller may ask.
    private func checkState(_ arn: String, _ aws: AWSClient) async throws {
        do {
            let answer = try await aws.call("DescribeKey", ["KeyId": .string(arn)], doing: "asking for the key's state")
            let state = answer["KeyMetadata"]?.objectOrNil?["KeyState"]?.stringOrNil
            guard state == nil || state == "Enabled" else {
                throw CloudKeyError(
                    .unusable, "the key \(quoted(arn)) is in the state \(quoted(state))",
                    hint: "aws kms enable-key, or aws kms cancel-key-deletion and then enable-key")
            }
        } catch let error as CloudKeyError where error.code == .denied {}
    }

    /// The aliases of each key id, in one text.
    private func aliases(_ aws: AWSClient) async throws -> [String: String] {
        var aliases: [String: [String]] = [:]
        try await pages("ListAliases", "Aliases", aws) { alias in
            guard let name = alias["AliasName"]?.stringOrNil, let id = alias["TargetKeyId"]?.stringOrNil else { return }
            aliases[id, default: []].append(name)
        }
        return aliases.mapValues { $0.joined(separator: " ") }
    }

    private func all(_ operation: String, _ list: String, _ member: String, _ aws: AWSClient) async throws -> [String] {
        var values: [String] = []
        try await pages(operation, list, aws) { values.append(try $0.string(member, in: list)) }
        return values
    }

    private func pages(
        _ operation: String, _ list: String, _ aws: AWSClient, _ body: (JSONObject) throws -> Void
    ) async throws {
        var marker: JSON?
        var count = 0
        var paging = Paging(aws.service)
        repeat {
            try paging.beginPage()
            var request = JSONObject([("Limit", 100)])
            request["Marker"] = marker
            let answer = try await aws.call(operation, .object(request), doing: "listing keys")
            marker = answer["Truncated"]?.boolOrNil == true ? answer["NextMarker"] : nil
            try KeyServiceResponse.reading(aws.service) {
                for entry in try answer.array(list, in: "the answer") {
                    count += 1
                    try body(try entry.object(list))
                }
            }
            guard count <= Self.mostListed else {
                throw CloudKeyError(.answer, "AWS KMS lists more than the \(Self.mostListed) keys that are taken")
            }
        } while marker != nil
    }
}

/// One set of credentials for each region, shared by the keys there.
private actor AWSLeases {
    private var leases: [String: Lease<AWSCredentials>] = [:]

    func lease(_ region: String, _ client: KeyServiceClient) -> Lease<AWSCredentials> {
        if let lease = leases[region] { return lease }
        let login = AWSLogin(client, region: region)
        let lease = Lease<AWSCredentials>(now: client.environment.now) { _ in try await login.credentials() }
        leases[region] = lease
        return lease
    }
}
