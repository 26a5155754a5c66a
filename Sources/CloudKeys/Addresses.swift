import SigningKeys

// Where the backends go, for programs that open their network to these addresses and to no others. What a service says
// later of other addresses is not among them.

extension AWSBackend {
    /// KMS in the environment's region, and who gives out credentials where the environment has none of its own.
    package static func addresses(_ environment: KeyServiceEnvironment) throws -> [String] {
        guard let region = environment["AWS_REGION"] else {
            throw CloudKeyError(.configuration, "nothing says in which region the keys are")
        }
        let suffix = AWSRegion.suffix(try AWSRegion.checked(region, "the region"))
        var addresses = [environment["AWS_ENDPOINT_URL_KMS"] ?? "https://kms.\(region).\(suffix)"]
        if environment["AWS_WEB_IDENTITY_TOKEN_FILE"] != nil {
            addresses.append(environment["AWS_ENDPOINT_URL_STS"] ?? "https://sts.\(region).\(suffix)")
        }
        if environment["AWS_EC2_METADATA_DISABLED"] != "true" {
            addresses.append(environment["AWS_EC2_METADATA_SERVICE_ENDPOINT"] ?? Metadata.address)
        }
        return addresses
    }
}

extension AzureBackend {
    /// The vaults of these keys, and who gives out tokens.
    package static func addresses(of names: [String], _ environment: KeyServiceEnvironment) throws -> [String] {
        let hosts = Set(names.map { $0.dropFirst(KeyScheme.azurekms.prefix.count).prefix { $0 != "/" } })
        let vaults = try hosts.sorted().map { try AzureVault.address(String($0)).text }
        let isApplication =
            environment["AZURE_CLIENT_SECRET_FILE"] != nil || environment["AZURE_FEDERATED_TOKEN_FILE"] != nil
        let tokens =
            isApplication
            ? environment["AZURE_AUTHORITY_HOST"] ?? AzureLogin.authority
            : environment["AZURE_POD_IDENTITY_AUTHORITY_HOST"] ?? Metadata.address
        return vaults + [tokens]
    }
}

extension GCPBackend {
    /// Cloud KMS, and who gives out tokens.
    package static func addresses(_ environment: KeyServiceEnvironment) -> [String] {
        let isAccount = environment["GOOGLE_APPLICATION_CREDENTIALS"] != nil
        let machine = environment["GCE_METADATA_HOST"].map { "http://\($0)" } ?? Metadata.address
        return [
            environment["CLOUDSDK_API_ENDPOINT_OVERRIDES_CLOUDKMS"] ?? GCPClient.address,
            isAccount ? GCPLogin.audience : machine,
        ]
    }
}

/// Where clouds hand tokens to their machines.
enum Metadata {
    static let address = "http://169.254.169.254"
}
