import Foundation
import Testing

/// What each target of ours may import of ours. [docs/architecture.md]
private let arrows: [String: Set<String>] = [
    "Problems": [],
    "Codecs": ["Problems"],
    "Files": ["Problems"],
    "OpenSSLKit": ["COpenSSL", "Problems"],
    "PostgresKit": ["CLibPQ", "Codecs", "Problems"],
    "SigningKeys": ["OpenSSLKit", "Codecs", "Problems"],
    "TokenWire": ["Problems"],
    "PKCS11Kit": ["CPKCS11", "Codecs", "Problems"],
    "AgentKeys": ["SigningKeys", "Codecs", "Problems"],
    "TokenKeys": ["TokenWire", "PKI", "SigningKeys", "Files", "Codecs", "Problems"],
    "PKI": ["OpenSSLKit", "SigningKeys", "Codecs", "Problems"],
    "TUF": ["SigningKeys", "Codecs", "Problems"],
    "OCI": ["SigningKeys", "Codecs", "Problems"],
    "Envelopes": ["PKI", "SigningKeys", "Codecs", "Problems"],
    "ReleaseCriteria": ["PKI", "OCI", "Envelopes", "SigningKeys", "Codecs", "Problems"],
    "TrustModel": ["PKI", "OCI", "Envelopes", "SigningKeys", "Codecs", "Problems"],
    "RoadsteadWire": ["TrustModel", "Codecs", "Problems"],
    "Declarations": ["RoadsteadWire", "TrustModel", "PKI", "SigningKeys", "Codecs", "Problems"],
    "Migrations": ["CMigrations", "PostgresKit", "SigningKeys", "Codecs", "Problems"],
    "PrivatePostgres": ["PostgresKit", "Files", "Problems"],
    "RoadsteadPublish": ["TrustModel", "TUF", "SigningKeys", "PKI", "Files", "Codecs", "Problems"],
    "RoadsteadStore": ["TrustModel", "PostgresKit", "Migrations", "PKI", "SigningKeys", "Codecs", "Problems"],
    "Observability": ["Problems"],
    "RoadsteadCommand": [
        "ReleaseCriteria",
        "TrustModel", "TUF", "Envelopes", "OCI", "PKI", "SigningKeys", "Files", "Codecs", "Problems",
    ],
    "CloudKeys": ["SigningKeys", "Files", "Codecs", "Problems"],
    "KeyPlaces": ["AgentKeys", "CloudKeys", "SigningKeys"],
    "RegistryClient": ["OCI", "SigningKeys", "Files", "Codecs", "Problems"],
    "RoadsteadRemote": [
        "Declarations", "RoadsteadCommand", "KeyPlaces", "RegistryClient", "Envelopes", "OCI",
        "ReleaseCriteria", "SignerClient", "RoadsteadPublish", "RoadsteadWire", "TokenKeys", "TokenWire", "TrustModel",
        "TUF", "PKI", "SigningKeys",
        "Files", "Codecs", "Problems",
    ],
    "MetadataTransport": ["Problems"],
    "Outbound": ["Problems"],
    "IdentityTokens": ["Outbound", "SigningKeys", "Codecs", "Problems"],
    "TUFClient": ["MetadataTransport", "TUF", "SigningKeys", "Files", "Codecs", "Problems"],
    "RoadsteadAgent": [
        "MetadataTransport", "RoadsteadWire", "TrustModel", "TUF", "PKI", "OCI", "SigningKeys", "Observability",
        "Files", "Codecs",
        "Problems",
    ],
    "RoadsteadServer": [
        "RoadsteadStore", "RoadsteadPublish", "RoadsteadWire", "IdentityTokens", "Outbound", "PrivatePostgres",
        "Migrations", "PostgresKit", "TrustModel", "TUF", "PKI", "SigningKeys", "AgentKeys", "CloudKeys",
        "SignerClient", "TokenKeys", "TokenWire", "Observability", "Files", "Codecs", "Problems",
    ],
    "RoadsteadSigner": [
        "ReleaseCriteria", "RegistryClient", "Observability", "RoadsteadCommand", "IdentityTokens", "Outbound",
        "KeyPlaces", "TokenKeys", "TokenWire", "Envelopes", "OCI", "PKI", "SigningKeys",
        "Files", "Codecs", "Problems",
    ],
    "SignerClient": ["CloudKeys", "ReleaseCriteria", "OCI", "SigningKeys", "Files", "Codecs", "Problems"],
    "roadstead": ["RoadsteadCommand"],
    "roadstead-p11": ["PKCS11Kit", "TokenWire", "Files", "Problems"],
    "roadstead-remote": ["RoadsteadRemote"],
    "roadstead-agent": ["RoadsteadAgent"],
    "roadstead-tuf-client": ["TUFClient"],
    "roadstead-server": ["RoadsteadServer"],
    "roadstead-signer": ["RoadsteadSigner"],
]

/// L0 modules: each is imported by one target only.
private let cModules: Set<String> = ["COpenSSL", "CLibPQ", "CMigrations", "CPKCS11"]
private let networkModules: Set<String> = [
    "NIOCore", "NIOPosix", "NIOHTTP1", "NIOSSL", "NIO", "Hummingbird", "HummingbirdTLS", "AsyncHTTPClient",
    "FoundationNetworking",
]
private let coreTargets: Set<String> = [
    "Problems", "Codecs", "Files", "OpenSSLKit", "SigningKeys", "TokenWire", "PKCS11Kit", "TokenKeys", "PKI", "TUF",
    "OCI", "Envelopes", "ReleaseCriteria", "TrustModel",
    "RoadsteadWire", "Declarations",
]

private let repositoryRoot = URL(filePath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

private struct SourceFile {
    let target: String
    let name: String
    let text: String

    var imports: Set<String> {
        let pattern =
            /^\s*(?:@\w+(?:\([^)]*\))?\s+)*(?:(?:package|public|internal|private|fileprivate)\s+)?import\s+(?:struct\s+|enum\s+|func\s+|class\s+|protocol\s+)?(\w+)/
        return Set(text.split(separator: "\n").compactMap { $0.firstMatch(of: pattern).map { String($0.1) } })
    }
}

private func sources() throws -> [SourceFile] {
    let folder = repositoryRoot.appending(path: "Sources")
    let manager = FileManager.default
    return try manager.contentsOfDirectory(atPath: folder.path).sorted().flatMap { target -> [SourceFile] in
        let paths = manager.enumerator(atPath: folder.appending(path: target).path)?.compactMap { $0 as? String } ?? []
        return try paths.filter { $0.hasSuffix(".swift") }.map { path in
            let url = folder.appending(path: target).appending(path: path)
            return SourceFile(target: target, name: path, text: try String(contentsOf: url, encoding: .utf8))
        }
    }
}

@Suite struct Architecture {
    @Test func `a target imports only the targets below it`() throws {
        let files = try sources()
        try #require(files.count > 20)
        let ours = Set(arrows.keys).union(cModules)
        for file in files {
            guard let allowed = arrows[file.target] else {
                Issue.record("target \(file.target) has no row in the table of arrows")
                continue
            }
            let foreign = file.imports.intersection(ours).subtracting(allowed)
            #expect(foreign.isEmpty, "\(file.target)/\(file.name) imports \(foreign.sorted())")
        }
    }

    @Test func `the arrows have no cycle`() {
        func reaches(_ start: String, _ goal: String, _ seen: inout Set<String>) -> Bool {
            for next in arrows[start] ?? [] where seen.insert(next).inserted {
                if next == goal || reaches(next, goal, &seen) { return true }
            }
            return false
        }
        for target in arrows.keys {
            var seen: Set<String> = []
            #expect(!reaches(target, target, &seen), "\(target) reaches itself")
        }
    }

    @Test func `only one target touches each C library`() throws {
        for module in cModules {
            let users = Set(try sources().filter { $0.imports.contains(module) }.map(\.target))
            #expect(users.count <= 1, "\(module) is imported by \(users.sorted())")
        }
    }

    @Test func `only the helper of tokens loads PKCS#11 modules`() throws {
        let users = Set(try sources().filter { $0.imports.contains("PKCS11Kit") }.map(\.target))
        #expect(users == ["roadstead-p11"])
    }

    @Test func `what loads PKCS#11 modules, and what starts it, never forks`() throws {
        let files = try sources().filter { ["PKCS11Kit", "TokenKeys", "roadstead-p11"].contains($0.target) }
        try #require(files.count > 20)
        for file in files {
            #expect(!file.text.contains(/\bv?fork\(/), "\(file.target)/\(file.name) forks")
        }
    }

    @Test func `the low layers know neither network nor Foundation`() throws {
        for file in try sources() where coreTargets.contains(file.target) {
            let foreign = file.imports.intersection(networkModules.union(["Foundation", "FoundationEssentials"]))
            #expect(foreign.isEmpty, "\(file.target)/\(file.name) imports \(foreign.sorted())")
        }
    }

    @Test func `the server goes out through one module only`() throws {
        let clients: Set<String> = [
            "AsyncHTTPClient", "FoundationNetworking", "MetadataTransport", "NIOPosix", "NIOHTTP1", "Network",
        ]
        for file in try sources() where file.target == "RoadsteadServer" {
            let foreign = file.imports.intersection(clients)
            #expect(foreign.isEmpty, "\(file.target)/\(file.name) imports \(foreign.sorted())")
            for word in ["ClientBootstrap", "URLSession", "getaddrinfo", "contentsOf: url"] {
                #expect(!file.text.contains(word), "\(file.target)/\(file.name) holds \(word)")
            }
        }
    }

    @Test func `sources hold no forced tries, casts or crashes`() throws {
        for file in try sources() {
            for word in ["try!", "as!", "fatalError(", "nonisolated(unsafe)"] {
                #expect(!file.text.contains(word), "\(file.target)/\(file.name) holds \(word)")
            }
        }
    }

    @Test func `a file above five hundred lines says at its head why`() throws {
        for file in try sources() {
            let lines = file.text.split(separator: "\n", omittingEmptySubsequences: false)
            guard lines.count > 500 else { continue }
            #expect(file.text.hasPrefix("// Long because "), "\(file.target)/\(file.name) has \(lines.count) lines")
        }
    }

    @Test func `the page of metrics lists every metric and no other`() throws {
        let names = /roadstead_[a-z_]+/
        func found(in path: String) throws -> Set<String> {
            let text = try String(contentsOf: repositoryRoot.appending(path: path), encoding: .utf8)
            return Set(text.matches(of: names).map { String($0.output) })
        }
        let exposed = try found(in: "Sources/Observability/MetricName.swift")
        try #require(exposed.count > 5)
        #expect(try found(in: "docs/metrics.md") == exposed)
    }
}
