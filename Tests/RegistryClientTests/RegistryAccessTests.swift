import Codecs
import Files
import Foundation
import NIOHTTP1
import OCI
import TestRegistries
import Testing

@testable import RegistryClient

/// Tokens, helpers that keep credentials, and mirrors.
@Suite struct RegistryAccessTests {
    private let repository = "team/app"
    private let image = Descriptor(of: Array("image".utf8), mediaType: MediaType.imageManifest)

    private func signature(of artifact: Descriptor? = nil) -> NewSignature {
        NewSignature(
            envelope: Array("envelope".utf8), mediaType: MediaType.jws, of: artifact ?? image, annotations: [:])
    }

    private func withDirectory<Value>(_ body: (String) async throws -> Value) async throws -> Value {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent("access.\(UUID().uuidString)")
            .path
        try Files.createDirectory(directory)
        defer { try? Files.removeTree(directory) }
        return try await body(directory)
    }

    /// Credentials from a configuration file with this text, and helpers that are these scripts.
    private func credentials(
        _ text: String, helpers: [String: String] = [:], in directory: String, deadline: Duration = .seconds(20)
    ) throws -> RegistryCredentials {
        for (name, script) in helpers {
            try Files.write(
                Array("#!/bin/sh\n\(script)\n".utf8), to: "\(directory)/docker-credential-\(name)", mode: 0o755)
        }
        try Files.write(Array(text.utf8), to: "\(directory)/config.json")
        return try RegistryCredentials(
            file: "\(directory)/config.json",
            search: .init(directories: ["relative", directory], deadline: deadline))
    }

    private func attach(_ double: RegistryDouble, _ credentials: (String) throws -> RegistryCredentials) async throws {
        let signature = signature()
        try await double.run { host in
            let settings = RegistrySettings(credentials: try credentials(host), plainHTTP: true)
            try await RegistrySession.with(settings) { session in
                let registry = try await session.registry(host)
                try await registry.attach(signature, to: image, in: repository)
                try await registry.attach(signature, to: image, in: "team/other")
                _ = try await registry.signatures(of: image, in: repository)
            }
        }
    }

    private func code(_ body: () async throws -> Void) async throws -> RegistryError.Code? {
        do {
            try await body()
            return nil
        } catch let error as RegistryError { return error.code }
    }

    // MARK: Tokens

    @Test func `a token is asked for with the right to push, once for each repository`() async throws {
        let double = RegistryDouble()
        double.requireTokens(for: "Basic YTpi")
        try await withDirectory { directory in
            try await attach(double) { host in
                try credentials(#"{"auths":{"\#(host)":{"auth":"YTpi"}}}"#, in: directory)
            }
        }
        let asked = double.asked.filter { $0.uri.hasPrefix("/token") }.map(\.uri)
        #expect(asked.first == "/token?scope=repository%3Ateam%2Fapp%3Apull%2Cpush&service=double")
        #expect(asked.contains { $0.contains("team%2Fother%3Apull%2Cpush") && $0.contains("team%2Fapp%3Apull&") })
        // Who may push may pull; the blob that is taken over wants a scope more.
        #expect(asked.count == 3)
        let shown = double.asked.filter { !$0.uri.hasPrefix("/token") }.compactMap {
            $0.headers.first(name: "Authorization")
        }
        #expect(shown.allSatisfy { $0.hasPrefix("Bearer ") })
    }

    @Test func `an identity token goes to the token service alone`() async throws {
        let double = RegistryDouble()
        double.requireTokens(for: "refresh-me")
        try await withDirectory { directory in
            try await attach(double) { host in
                try credentials(#"{"auths":{"\#(host)":{"identitytoken":"refresh-me","auth":"YTpi"}}}"#, in: directory)
            }
        }
        #expect(double.asked.filter { $0.uri == "/token" }.allSatisfy { $0.method == "POST" })
        #expect(double.asked.allSatisfy { $0.headers.first(name: "Authorization")?.contains("refresh-me") != true })
    }

    @Test func `without credentials the registry's refusal is told with the way out`() async throws {
        let double = RegistryDouble()
        double.requireTokens(for: "Basic YTpi")
        #expect(try await code { try await attach(double) { _ in .none } } == .unauthorized)
    }

    // MARK: Helpers

    private let answering = #"read server; printf '{"ServerURL":"%s","Username":"user","Secret":"pass"}' "$server""#

    @Test func `a helper is asked for the registry, and what it says gets the token`() async throws {
        let double = RegistryDouble()
        double.requireTokens(for: "Basic \(Base64.encode(Array("user:pass".utf8)))")
        try await withDirectory { directory in
            try await attach(double) { host in
                try credentials(
                    #"{"credHelpers":{"\#(host)":"mine"},"credsStore":"broken"}"#, helpers: ["mine": answering],
                    in: directory)
            }
        }
        #expect(double.manifest(repository, "\(signature().descriptor.digest)") != nil)
    }

    @Test func `a helper may give an identity token, or know nothing`() async throws {
        try await withDirectory { directory in
            let known = try credentials(
                #"{"credsStore":"all"}"#,
                helpers: ["all": #"printf '{"Username":"<token>","Secret":"refresh"}'"#], in: directory)
            #expect(try await known.credential(for: "registry.example.com") == .identity("refresh"))
            let unknown = try credentials(
                #"{"credsStore":"all"}"#,
                helpers: ["all": "echo 'credentials not found in native keychain'; exit 1"], in: directory)
            #expect(try await unknown.credential(for: "registry.example.com") == nil)
        }
    }

    @Test func `Docker Hub is known by the name that Docker gives it`() async throws {
        try await withDirectory { directory in
            let credentials = try credentials(
                #"{"credsStore":"all"}"#,
                helpers: [
                    "all": #"read server; printf '{"Username":"u","Secret":"%s"}' "$server""#
                ], in: directory)
            let secret = Base64.encode(Array("u:https://index.docker.io/v1/".utf8))
            #expect(try await credentials.credential(for: "registry-1.docker.io") == .password(secret))
        }
        #expect(
            try RegistryAddress(registry: "docker.io", plain: .refused).url("/v2/")
                == "https://registry-1.docker.io/v2/")
    }

    @Test(arguments: [
        "sleep 30 & sleep 30", "exec sleep 30", "printf '{}'", "printf 'not json SECRET-VALUE'", "exit 3",
        "head -c 100000 /dev/zero", #"printf '{"Username":"a:b","Secret":"SECRET-VALUE"}'"#,
        #"printf '{"Username":"<token>","Secret":"SECRET VALUE\\r\\nX: y"}'"#, "kill -9 $$",
    ])
    func `a helper that hangs, crashes or says nonsense is an error that does not tell what it said`(
        _ script: String
    ) async throws {
        try await withDirectory { directory in
            let credentials = try credentials(
                #"{"credsStore":"bad"}"#, helpers: ["bad": script], in: directory, deadline: .seconds(1))
            let begin = ContinuousClock.now
            do {
                let found = try await credentials.credential(for: "registry.example.com")
                Issue.record("found \(String(describing: found))")
            } catch let error as RegistryError {
                #expect(error.code == .credentials)
                #expect(!"\(error)".contains("SECRET"))
            }
            #expect(ContinuousClock.now - begin < .seconds(10))
        }
    }

    @Test(arguments: ["../evil", "a/b", "", " ", "-x", "a b", "a;b", "ü", String(repeating: "a", count: 65)])
    func `a helper's name leads nowhere but to a helper`(_ name: String) async throws {
        try await withDirectory { directory in
            let text = JSON.object(JSONObject([("credHelpers", ["r.example.com": .string(name)])])).text
            #expect(throws: RegistryError(.credentials, "")) { try credentials(text, in: directory) }
        }
    }

    @Test func `a helper that is not installed is an error where it is needed`() async throws {
        try await withDirectory { directory in
            let credentials = try credentials(#"{"credHelpers":{"r.example.com":"absent"}}"#, in: directory)
            await #expect(throws: RegistryError(.credentials, "")) {
                try await credentials.credential(for: "r.example.com")
            }
            #expect(try await credentials.credential(for: "other.example.com") == nil)
        }
    }

    @Test func `credentials never print`() throws {
        #expect("\(RegistryCredentials.none)" == "(credentials)")
    }

    // MARK: Mirrors

    private func mirrors(_ text: String) async throws -> RegistryMirrors {
        try await withDirectory { directory in
            try Files.write(Array(text.utf8), to: "\(directory)/registries.json")
            return try RegistryMirrors(file: "\(directory)/registries.json")
        }
    }

    /// Reads the image by its digest from a registry with this mirror.
    private func read(_ registry: RegistryDouble, mirror: RegistryDouble) async throws -> [UInt8] {
        try await registry.run { host in
            try await mirror.run { other in
                let mirrors = try await mirrors(#"{"mirrors":{"\#(host)":["\#(other)/cache"]}}"#)
                let settings = RegistrySettings(plainHTTP: true, mirrors: mirrors)
                return try await RegistrySession.with(settings) { session in
                    let registry = try await session.registry(host)
                    let tagged = try await registry.resolve(try Reference("\(host)/\(repository):1.0"))
                    try await registry.attach(signature(of: tagged), to: tagged, in: repository)
                    return try await registry.manifest(tagged.digest, of: repository).bytes
                }
            }
        }
    }

    @Test func `what is named by digest comes from the mirror, tags and writes concern the registry`() async throws {
        let (registry, mirror) = (RegistryDouble(), RegistryDouble())
        let manifest = signature().manifest
        registry.put(manifest: manifest, repository, tag: "1.0")
        mirror.put(manifest: manifest, "cache/\(repository)", tag: "1.0")
        #expect(try await read(registry, mirror: mirror) == manifest)
        #expect(
            mirror.asked.map { "\($0.method) \($0.uri)" } == [
                "GET /v2/cache/team/app/manifests/\(Digest(of: manifest))"
            ])
        #expect(!registry.asked.contains { $0.uri.hasSuffix("\(Digest(of: manifest))") && $0.method == "GET" })
    }

    @Test func `a mirror that lies, lacks it or fails is passed over`() async throws {
        let manifest = signature().manifest
        let faults: [RegistryDouble.Fault?] = [
            .answer(.init(status: 200, headers: [("Content-Type", MediaType.imageManifest)], body: [1])), nil,
            .answer(.init(status: 401)), .answer(.init(status: 500)), .cutAnswer,
        ]
        for fault in faults {
            let (registry, mirror) = (RegistryDouble(), RegistryDouble())
            registry.put(manifest: manifest, repository, tag: "1.0")
            if let fault { mirror.next("GET", "manifests", fault) }
            #expect(try await read(registry, mirror: mirror) == manifest)
        }
    }

    @Test(arguments: [
        "[]", "{}", #"{"mirrors":{},"more":1}"#, #"{"mirrors":{"r.example.com":["http://m"]}}"#,
        #"{"mirrors":{"r.example.com":["m.example.com/"]}}"#, #"{"mirrors":{"r.example.com":"m"}}"#,
        #"{"mirrors":{"a/b":["m.example.com"]}}"#,
    ])
    func `a list of mirrors with anything else in it is refused`(_ text: String) async throws {
        await #expect(throws: RegistryError(.configuration, "")) { _ = try await mirrors(text) }
    }

    @Test func `a time to wait is read in seconds and as a date`() {
        let answer = RegistryAnswer(
            status: 429,
            headers: [
                "Retry-After": "Sun, 06 Nov 1994 08:50:37 GMT", "Date": "Sun, 06 Nov 1994 08:49:37 GMT",
            ], body: [])
        #expect(answer.retryAfter == .seconds(60))
        #expect(RegistryAnswer(status: 429, headers: ["Retry-After": "7"], body: []).retryAfter == .seconds(7))
        #expect(RegistryAnswer(status: 429, headers: ["Retry-After": "-7"], body: []).retryAfter == nil)
        #expect(RegistryAnswer(status: 429, headers: ["Retry-After": "soon"], body: []).retryAfter == nil)
    }
}
