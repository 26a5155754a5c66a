// swift-tools-version: 6.2
import PackageDescription

/// How much of the tree is in the package: `core` is L0 to L4 and needs no other package, `data` adds what works
/// on PostgreSQL without a network stack, `full` is everything. Low layers alone build and test in seconds.
let layers = Context.environment["ROADSTEAD_LAYERS"] ?? "full"

let settings: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .treatAllWarnings(as: .error),
]

/// `ROADSTEAD_FUZZ=1` adds the fuzzer to the low layers and instruments them; `ROADSTEAD_BENCH=1` adds a benchmark.
let isFuzzing = Context.environment["ROADSTEAD_FUZZ"] == "1"
let isBenchmarking = Context.environment["ROADSTEAD_BENCH"] == "1"
let strict = settings + (isFuzzing ? [.unsafeFlags(["-sanitize=fuzzer", "-parse-as-library"])] : [])
let touchesC: [SwiftSetting] = strict + [.strictMemorySafety()]

func library(_ name: String, _ dependencies: [Target.Dependency], settings: [SwiftSetting] = strict) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: settings)
}

func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .testTarget(name: name, dependencies: dependencies, swiftSettings: strict)
}

var dependencies: [Package.Dependency] = []
var products: [Product] = [.library(name: "Faults", type: .dynamic, targets: ["Faults"])]

// L0 to L4
var targets: [Target] = [
    .systemLibrary(name: "COpenSSL", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
    library("Problems", []),
    library("Codecs", ["Problems"]),
    library("Files", ["Problems"], settings: touchesC),
    library("OpenSSLKit", ["COpenSSL", "Problems"], settings: touchesC),
    library("SigningKeys", ["OpenSSLKit", "Codecs", "Problems"]),
    library("TokenWire", ["Problems"]),
    library("PKI", ["OpenSSLKit", "SigningKeys", "Codecs", "Problems"]),
    library("TUF", ["SigningKeys", "Codecs", "Problems"]),
    library("OCI", ["SigningKeys", "Codecs", "Problems"]),
    library("Envelopes", ["PKI", "SigningKeys", "Codecs", "Problems"]),
    library("ReleaseCriteria", ["PKI", "OCI", "Envelopes", "SigningKeys", "Codecs", "Problems"]),
    library("TrustModel", ["PKI", "OCI", "Envelopes", "SigningKeys", "Codecs", "Problems"]),
    library("RoadsteadWire", ["TrustModel", "Codecs", "Problems"]),
    library("Declarations", ["RoadsteadWire", "TrustModel", "PKI", "SigningKeys", "Codecs", "Problems"]),
    library("RoadsteadPublish", ["TrustModel", "TUF", "SigningKeys", "Files", "Codecs", "Problems"]),
    library(
        "RoadsteadCommand",
        [
            "ReleaseCriteria", "TrustModel", "TUF", "Envelopes", "OCI", "PKI", "SigningKeys", "Files", "Codecs",
            "Problems",
        ], settings: touchesC),
    .executableTarget(
        name: "roadstead", dependencies: ["RoadsteadCommand"], swiftSettings: strict,
        linkerSettings: [.unsafeFlags(["-static-executable"], .when(configuration: .release))]),
    .testTarget(
        name: "RoadsteadPublishTests",
        dependencies: [
            "PythonEnvironment", "RoadsteadPublish", "TrustModel", "TUF", "SigningKeys", "Files", "Codecs", "Problems",
        ],
        swiftSettings: strict),
    tests("CodecsTests", ["Codecs", "Problems"]),
    tests(
        "DeclarationsTests",
        ["Declarations", "RoadsteadWire", "TrustModel", "PKI", "SigningKeys", "Codecs", "Problems"]),
    .target(name: "Faults", path: "Tests/Support/Faults"),
    tests("FilesTests", ["Files", "Problems"]),
    tests("TokenWireTests", ["TokenWire", "Problems"]),
    .target(
        name: "RepositorySimulation", dependencies: ["TUF", "SigningKeys", "Codecs"],
        path: "Tests/Support/RepositorySimulation", swiftSettings: strict),
    .target(
        name: "PythonEnvironment", dependencies: ["Codecs"], path: "Tests/Support/PythonEnvironment",
        swiftSettings: strict),
    tests("TUFTests", ["PythonEnvironment", "RepositorySimulation", "TUF", "SigningKeys", "Codecs", "Problems"]),
    tests("ArchitectureTests", []),
    .target(
        name: "TestVectors", dependencies: ["Codecs"], path: "Tests/Support/TestVectors", swiftSettings: strict),
    tests("OpenSSLKitTests", ["OpenSSLKit", "Codecs", "Problems"]),
    library("AgentKeys", ["SigningKeys", "Codecs", "Problems"], settings: touchesC),
    .target(name: "TestAgent", path: "Tests/Support/TestAgent", swiftSettings: strict),
    tests("AgentKeysTests", ["AgentKeys", "SigningKeys", "TestAgent"]),
    tests("SigningKeysTests", ["SigningKeys", "Codecs", "Problems", "TestVectors"]),
    .target(
        name: "TestSigning", dependencies: ["Envelopes", "PKI", "SigningKeys", "Codecs"],
        path: "Tests/Support/TestSigning", swiftSettings: strict),
    .target(
        name: "TimestampAuthority", dependencies: ["Envelopes", "PKI", "SigningKeys", "Codecs", "TestVectors"],
        path: "Tests/Support/TimestampAuthority", swiftSettings: strict),
    tests(
        "EnvelopesTests",
        [
            "Envelopes", "PKI", "SigningKeys", "Codecs", "Problems", "TestSigning", "TestVectors", "TimestampAuthority",
        ]),
    .testTarget(
        name: "RoadsteadCommandTests",
        dependencies: [
            "RoadsteadCommand", "roadstead", "TrustModel", "Envelopes", "OCI", "PKI", "SigningKeys", "Codecs",
            "Problems",
            "TestVectors", "TimestampAuthority",
        ],
        exclude: ["transcripts"], swiftSettings: strict),
    tests(
        "ReleaseCriteriaTests",
        ["ReleaseCriteria", "PKI", "OCI", "Envelopes", "SigningKeys", "Codecs", "Problems", "PythonEnvironment"]),
    tests("OCITests", ["OCI", "SigningKeys", "Codecs", "Problems"]),
    tests(
        "TrustModelTests",
        [
            "TrustModel", "Envelopes", "OCI", "PKI", "SigningKeys", "Codecs", "Problems", "TestSigning", "TestVectors",
            "TimestampAuthority",
        ]),
    tests("PKITests", ["PKI", "SigningKeys", "Codecs", "Problems", "TestVectors", "TimestampAuthority"]),
    tests("RenderingTests", ["TrustModel", "PKI", "SigningKeys", "Codecs", "Problems"]),
]

if isFuzzing {
    targets += [
        .executableTarget(
            name: "RoadsteadFuzz",
            dependencies: [
                "RepositorySimulation", "TimestampAuthority", "ReleaseCriteria", "TrustModel", "TUF", "Envelopes",
                "OCI",
                "PKI", "SigningKeys", "TokenWire", "Files", "Codecs",
            ], path: "Tests/Fuzzing", swiftSettings: strict,
            linkerSettings: [.unsafeFlags(["-sanitize=fuzzer", "-use-ld=lld"])])
    ]
}

if isBenchmarking {
    targets += [
        .executableTarget(
            name: "RoadsteadTUFBench", dependencies: ["RepositorySimulation", "TUF", "SigningKeys", "Files", "Codecs"],
            path: "Tests/Benchmarks/TUF", swiftSettings: strict)
    ]
}

if layers != "core" {
    products += [
        .library(name: "FaultyModule", type: .dynamic, targets: ["FaultyModule"])
    ]
    dependencies += [
        .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.2"),
        .package(url: "https://github.com/apple/swift-system", from: "1.5.0"),
    ]
    targets += [
        .systemLibrary(name: "CPKCS11", pkgConfig: "p11-kit-1", providers: [.apt(["libp11-kit-dev"])]),
        library("PKCS11Kit", ["CPKCS11", "Codecs", "Problems"], settings: touchesC),
        library("TokenKeys", ["TokenWire", "PKI", "SigningKeys", "Files", "Codecs", "Problems"], settings: touchesC),
        .executableTarget(
            name: "roadstead-p11", dependencies: ["PKCS11Kit", "TokenWire", "Files", "Problems"],
            swiftSettings: touchesC),
        .target(name: "FaultyModule", path: "Tests/Support/FaultyModule"),
        .target(name: "SoftHSM", path: "Tests/Support/SoftHSM", swiftSettings: strict),
        .target(
            name: "TestTokens", dependencies: ["PythonEnvironment", "SoftHSM", "PKI", "SigningKeys", "Codecs"],
            path: "Tests/Support/TestTokens", exclude: ["card.py", "requirements.txt"], swiftSettings: strict),
        tests("PKCS11KitTests", ["PKCS11Kit", "Problems"]),
        tests(
            "TokenKeysTests",
            [
                "TokenKeys", "TokenWire", "roadstead-p11", "SoftHSM", "TestTokens", "PKI", "SigningKeys", "Files",
                "Codecs", "Problems",
            ]),
        .systemLibrary(name: "CLibPQ", pkgConfig: "libpq", providers: [.apt(["libpq-dev"])]),
        library("PostgresKit", ["CLibPQ", "Codecs", "Problems"], settings: touchesC),
        library(
            "PrivatePostgres",
            [
                "PostgresKit", "Files", "Problems", .product(name: "Subprocess", package: "swift-subprocess"),
                .product(name: "SystemPackage", package: "swift-system"),
            ], settings: touchesC),
        .target(name: "CMigrations", path: "migrations", sources: ["migrations.c"]),
        library(
            "Migrations", ["CMigrations", "PostgresKit", "SigningKeys", "Codecs", "Problems"], settings: touchesC),
        .target(
            name: "PostgresTesting", dependencies: ["PostgresKit", "PrivatePostgres", "Migrations", "Files"],
            path: "Tests/Support/PostgresTesting", swiftSettings: strict),
        library(
            "RoadsteadStore",
            ["TrustModel", "PostgresKit", "Migrations", "PKI", "SigningKeys", "Codecs", "Problems"]),
        tests(
            "PostgresKitTests",
            ["PostgresKit", "PrivatePostgres", "Migrations", "PostgresTesting", "Files", "Codecs", "Problems"]),
        tests(
            "PrivatePostgresTests",
            [
                "PrivatePostgres", "PostgresKit", "Files", "Problems",
                .product(name: "Subprocess", package: "swift-subprocess"),
                .product(name: "SystemPackage", package: "swift-system"),
            ]),
        tests("MigrationsTests", ["Migrations", "PostgresKit", "PostgresTesting", "Problems"]),
        tests(
            "RoadsteadStoreTests",
            [
                "RoadsteadStore", "TrustModel", "PostgresKit", "Migrations", "PostgresTesting", "PKI", "SigningKeys",
                "Codecs", "Problems",
            ]),
    ]
}

if layers != "core", isBenchmarking {
    targets += [
        .target(name: "TokenLoop", dependencies: ["CPKCS11"], path: "Tests/Benchmarks/TokenLoop"),
        .executableTarget(
            name: "RoadsteadTokenBench", dependencies: ["TokenLoop", "TokenKeys", "TokenWire", "SigningKeys"],
            path: "Tests/Benchmarks/Tokens", swiftSettings: strict),
        .executableTarget(
            name: "RoadsteadGovernanceBench",
            dependencies: [
                "RoadsteadStore", "TrustModel", "PrivatePostgres", "PostgresKit", "Migrations", "PKI", "SigningKeys",
                "Codecs", "Files",
            ], path: "Tests/Benchmarks/Governance", swiftSettings: strict),
    ]
}

if layers == "full" {
    products += [
        .executable(name: "roadstead-server", targets: ["roadstead-server"])
    ]
    dependencies += [
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-configuration", from: "1.4.0"),
        .package(url: "https://github.com/vapor/jwt-kit", from: "5.7.1"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    ]
    targets += [
        library(
            "Observability",
            [
                "Problems", .product(name: "CoreMetrics", package: "swift-metrics"),
                .product(name: "Logging", package: "swift-log"),
            ]),
        library(
            "Outbound",
            [
                "Problems", .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"), .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
            ], settings: touchesC),
        tests(
            "OutboundTests",
            [
                "Outbound", .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"), .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "Subprocess", package: "swift-subprocess"),
                .product(name: "SystemPackage", package: "swift-system"),
            ]),
        library(
            "IdentityTokens",
            [
                "Outbound", "SigningKeys", "Codecs", "Problems", .product(name: "JWTKit", package: "jwt-kit"),
            ]),
        library(
            "CloudKeys",
            [
                "SigningKeys", "Files", "Codecs", "Problems",
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"), .product(name: "NIOSSL", package: "swift-nio-ssl"),
            ]),
        .target(
            name: "KeyServices", dependencies: ["PythonEnvironment", "Codecs"], path: "Tests/Support/KeyServices",
            exclude: ["aws_admin.py", "clouds.py", "servers.txt", "vendor_clients.py", "vendors.txt"],
            swiftSettings: strict),
        tests("CloudKeysTests", ["CloudKeys", "KeyServices", "SigningKeys", "Files", "Codecs", "Problems"]),
        library(
            "RoadsteadServer",
            [
                "RoadsteadStore", "RoadsteadPublish", "RoadsteadWire", "IdentityTokens", "Outbound", "PrivatePostgres",
                "Migrations", "PostgresKit", "TrustModel", "TUF", "PKI", "SigningKeys", "AgentKeys", "CloudKeys",
                "SignerClient", "TokenKeys", "TokenWire", "Observability", "Files", "Codecs", "Problems",
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "HummingbirdCore", package: "hummingbird"),
                .product(name: "HummingbirdTLS", package: "hummingbird"),
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Configuration", package: "swift-configuration"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "Metrics", package: "swift-metrics"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ]),
        library("KeyPlaces", ["AgentKeys", "CloudKeys", "SigningKeys"]),
        library(
            "RoadsteadSigner",
            [
                "ReleaseCriteria", "RegistryClient", "Observability", "RoadsteadCommand", "IdentityTokens", "Outbound",
                "KeyPlaces", "TokenKeys", "TokenWire", "Envelopes", "OCI", "PKI", "SigningKeys", "Files", "Codecs",
                "Problems",
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "HummingbirdCore", package: "hummingbird"),
                .product(name: "HummingbirdTLS", package: "hummingbird"),
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "CoreMetrics", package: "swift-metrics"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ]),
        .executableTarget(name: "roadstead-signer", dependencies: ["RoadsteadSigner"], swiftSettings: strict),
        library(
            "SignerClient",
            [
                "CloudKeys", "ReleaseCriteria", "OCI", "SigningKeys", "Files", "Codecs", "Problems",
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
            ]),
        tests(
            "RoadsteadSignerTests",
            [
                "RoadsteadSigner", "roadstead-signer", "roadstead", "roadstead-remote", "roadstead-p11", "SignerClient",
                "ReleaseCriteria", "RoadsteadCommand", "RegistryClient", "IdentityTokens", "Outbound", "KeyServices",
                "PythonEnvironment", "SoftHSM", "TestProvider", "TestRegistries", "TestSigning", "TokenKeys",
                "TokenWire", "Envelopes", "OCI", "PKI", "SigningKeys", "Files", "Codecs", "Problems",
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOEmbedded", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
            ]),
        .executableTarget(name: "roadstead-server", dependencies: ["RoadsteadServer"], swiftSettings: strict),
        .target(
            name: "TestProvider", dependencies: ["PythonEnvironment", "Codecs"], path: "Tests/Support/TestProvider",
            exclude: ["provider.py"], swiftSettings: strict),
        tests(
            "RoadsteadServerTests",
            [
                "Declarations", "RoadsteadCommand", "RoadsteadRemote", "RoadsteadServer", "RoadsteadStore",
                "RoadsteadPublish", "RoadsteadWire", "IdentityTokens", "Outbound", "TestProvider", "PostgresTesting",
                "PythonEnvironment", "SoftHSM",
                "KeyServices", "TestAgent", "CloudKeys",
                "roadstead-p11", "roadstead-server", "roadstead-signer", "TokenKeys", "TokenWire",
                "PrivatePostgres", "Migrations", "PostgresKit", "TrustModel", "TUF", "PKI",
                "Observability", "SigningKeys", "Files", "Codecs", "Problems",
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "HummingbirdTesting", package: "hummingbird"),
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "CoreMetrics", package: "swift-metrics"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
            ]),
        library(
            "RegistryClient",
            [
                "OCI", "SigningKeys", "Files", "Codecs", "Problems",
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
            ], settings: touchesC),
        .target(
            name: "TestRegistries",
            dependencies: [
                "OCI", "Codecs", .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"), .product(name: "NIOSSL", package: "swift-nio-ssl"),
            ], path: "Tests/Support/TestRegistries", swiftSettings: strict),
        tests(
            "RegistryClientTests",
            [
                "roadstead", "roadstead-remote", "RegistryClient", "RoadsteadRemote", "RoadsteadCommand", "TestSigning",
                "TestRegistries", "TestVectors", "TimestampAuthority", "Envelopes", "OCI", "PKI", "SigningKeys",
                "Files", "Codecs", "Problems",
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "HummingbirdTesting", package: "hummingbird"),
                .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
            ]),
        library(
            "RoadsteadRemote",
            [
                "Declarations", "RoadsteadCommand", "KeyPlaces", "RegistryClient", "Envelopes", "OCI",
                "ReleaseCriteria", "SignerClient", "RoadsteadPublish", "RoadsteadWire", "TokenKeys", "TokenWire",
                "TrustModel", "TUF", "PKI",
                "SigningKeys", "Files", "Codecs", "Problems",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "Yams", package: "Yams"),
            ]),
        tests(
            "RoadsteadRemoteTests",
            [
                "RoadsteadRemote", "RoadsteadCommand", "Codecs", "Problems", "RoadsteadWire", "TrustModel",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ]),
        .executableTarget(name: "roadstead-remote", dependencies: ["RoadsteadRemote"], swiftSettings: strict),
        library(
            "MetadataTransport",
            [
                "Problems", .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
            ]),
        library(
            "TUFClient",
            [
                "MetadataTransport", "TUF", "SigningKeys", "Files", "Codecs", "Problems",
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "NIOCore", package: "swift-nio"),
            ], settings: touchesC),
        .executableTarget(name: "roadstead-tuf-client", dependencies: ["TUFClient"], swiftSettings: strict),
        tests(
            "TUFClientTests",
            [
                "TUFClient", "RepositorySimulation", "TUF", "SigningKeys", "Files", "Codecs", "Problems",
                .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "Subprocess", package: "swift-subprocess"),
                .product(name: "SystemPackage", package: "swift-system"),
            ]),
        library(
            "RoadsteadAgent",
            [
                "MetadataTransport", "RoadsteadWire", "TrustModel", "TUF", "SigningKeys", "Files", "Codecs", "Problems",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            ]),
        .executableTarget(name: "roadstead-agent", dependencies: ["RoadsteadAgent"], swiftSettings: strict),
        .target(
            name: "FleetFixtures", dependencies: ["TrustModel", "TUF", "PKI", "SigningKeys", "Files", "Codecs"],
            path: "Tests/Support/FleetFixtures", swiftSettings: strict),
        tests(
            "RoadsteadAgentTests",
            [
                "RoadsteadAgent", "RoadsteadServer", "Observability", "FleetFixtures", "RoadsteadWire", "TrustModel",
                "TUF", "PKI", "SigningKeys", "Files", "Codecs", "Problems",
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "HummingbirdTLS", package: "hummingbird"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "Subprocess", package: "swift-subprocess"),
                .product(name: "SystemPackage", package: "swift-system"),
            ]),
        tests(
            "IntegrationTests",
            [
                "KeyServices", "TestTokens", "PythonEnvironment", "SoftHSM", "roadstead", "roadstead-remote",
                "roadstead-p11", "roadstead-agent", "roadstead-server", "roadstead-signer",
            ]),
    ]
}

let package = Package(
    name: "roadstead", products: products, dependencies: dependencies, targets: targets, swiftLanguageModes: [.v6])
