import Codecs
import OCI
import TestRegistries
import Testing

@testable import RegistryClient

/// The programs themselves: images in registries are signed, listed, inspected and verified.
@Suite struct SignCommandTests {
    private let user = DebianRegistry.User.standard

    /// What a program that verifies the platform's manifest would find: the tag of its digest, and in it the signature.
    private func signatures(of digest: Digest, _ registry: DebianRegistry, _ repository: String) async throws
        -> [Manifest]
    {
        let settings = RegistrySettings(credentials: .none, plainHTTP: true)
        return try await RegistrySession.with(settings) { session in
            let client = try await session.registry(registry.host)
            guard let index = try await client.taggedReferrers(of: digest, in: repository) else { return [] }
            var found: [Manifest] = []
            for entry in index.manifests {
                found.append(try Manifest(parsing: try await client.manifest(entry.digest, of: repository).bytes))
            }
            return found
        }
    }

    @Test func `an index is signed with every manifest that it leads to, and each is found by its own digest`()
        async throws
    {
        let image = SampleImage()
        try await SigningPlace.with { place in
            try await DebianRegistry.run { registry in
                try await image.push(to: registry, "team/app")
                let name = "\(registry.host)/team/app"
                let signed = try await place.run("roadstead sign \(SigningPlace.key) --insecure-registry \(name):1.0")
                #expect(signed.status == 0, "\(signed.errors)")
                #expect(signed.errors.contains("\(name):1.0 is \(Digest(of: image.index)), which is what is signed"))
                for digest in image.digests {
                    let found = try await signatures(of: digest, registry, "team/app")
                    #expect(found.map(\.subject?.digest) == [digest])
                    #expect(found.allSatisfy { $0.artifactType == nil && $0.isNotationSignature })
                }
                try place.trust(name)
                for digest in image.digests {
                    let verified = try await place.run(
                        "roadstead verify --config config --insecure-registry \(name)@\(digest)")
                    #expect(verified.status == 0, "\(verified.errors)")
                    #expect(verified.output.hasPrefix("verified \(name)@\(digest)\n"))
                }
                let listed = try await place.run("roadstead ls --insecure-registry \(name):1.0")
                #expect(listed.output.split(separator: "\n").filter { $0.contains("signature sha256:") }.count == 4)
                let again = try await place.run(
                    "roadstead sign \(SigningPlace.key) --insecure-registry --skip-signed --output json \(name):1.0")
                let report = try JSON(parsing: again.output).objectOrNil?["images"]?.arrayOrNil?.first?.objectOrNil
                let results = report?["signatures"]?.arrayOrNil?.map { $0.objectOrNil?["skipped"]?.boolOrNil }
                #expect(results == [true, true, true, true])
            }
        }
    }

    @Test func `with --index-only the index alone is signed`() async throws {
        let image = SampleImage()
        try await SigningPlace.with { place in
            try await DebianRegistry.run { registry in
                try await image.push(to: registry, "team/app")
                let signed = try await place.run(
                    "roadstead sign \(SigningPlace.key) --insecure-registry --index-only \(registry.host)/team/app:1.0")
                #expect(signed.status == 0, "\(signed.errors)")
                var counts: [Int] = []
                for digest in image.digests {
                    counts.append(try await signatures(of: digest, registry, "team/app").count)
                }
                #expect(counts == [0, 0, 0, 1])
            }
        }
    }

    @Test func `a registry with names and passwords takes signatures from who is in Docker's file, or its helper's`()
        async throws
    {
        let image = SampleImage()
        try await SigningPlace.with { place in
            try await DebianRegistry.run(user: user) { registry in
                try await image.push(to: registry, "team/app")
                let command = "roadstead sign \(SigningPlace.key) --insecure-registry \(registry.host)/team/app:1.0"
                let refused = try await place.run(command)
                #expect(refused.status == 3)
                #expect(refused.errors.contains("401 from \(registry.host)"))
                #expect(refused.errors.contains("hint: sign in with docker login"))
                try place.write(
                    "docker/config.json", #"{"auths":{"\#(registry.host)":{"auth":"\#(user.basic)"}}}"#)
                let signed = try await place.run(command)
                #expect(signed.status == 0, "\(signed.errors)")
                try place.write("docker/config.json", #"{"credsStore":"here"}"#)
                try place.write(
                    "docker-credential-here",
                    "#!/bin/sh\nprintf '{\"Username\":\"\(user.name)\",\"Secret\":\"\(user.password)\"}'\n")
                let helped = try await place.run(
                    "chmod 755 docker-credential-here; export PATH=\"$PWD:$PATH\"\n\(command)")
                #expect(helped.status == 0, "\(helped.errors)")
                #expect(!helped.errors.contains(user.password) && !helped.output.contains(user.password))
            }
        }
    }

    @Test func `six who sign at the same time all find their signature again`() async throws {
        let image = SampleImage()
        try await SigningPlace.with { place in
            try await DebianRegistry.run { registry in
                try await image.push(to: registry, "team/app")
                let command =
                    "roadstead sign \(SigningPlace.key) --insecure-registry --index-only -m n=$n \(registry.host)/team/app:1.0"
                let signed = try await place.run(
                    "for n in 1 2 3 4 5 6; do { \(command) || touch failed; } & done; wait; test ! -e failed")
                #expect(signed.status == 0, "\(signed.errors)")
                // Whoever looked first may have lost its place to one that looked later.
                let found = try await signatures(of: Digest(of: image.index), registry, "team/app")
                #expect(!found.isEmpty)
            }
        }
    }

    @Test func `of several images one that is not there does not stop the others, and the status says so`() async throws
    {
        let image = SampleImage()
        try await SigningPlace.with { place in
            try await DebianRegistry.run { registry in
                try await image.push(to: registry, "team/app")
                try await image.push(to: registry, "team/other")
                let host = registry.host
                try place.write("images", "# ours\n\(host)/team/absent:1.0\n\n\(host)/team/other:1.0  # too\n")
                let signed = try await place.run(
                    "roadstead sign \(SigningPlace.key) --insecure-registry --file - \(host)/team/app:1.0 < images")
                #expect(signed.status == 3)
                let table = signed.output.split(separator: "\n").suffix(3).map(String.init)
                #expect(table.map { $0.hasSuffix("signed 4, left 0") } == [true, false, true])
                #expect(signed.errors.contains("\(host) has no team/absent:1.0"))
                for repository in ["team/app", "team/other"] {
                    let found = try await signatures(of: Digest(of: image.index), registry, repository)
                    #expect(found.count == 1)
                }
            }
        }
    }

    @Test func `a registry that loses what it took is found out`() async throws {
        let double = RegistryDouble()
        let manifest = SampleImage().manifests[0]
        double.put(manifest: manifest, "team/app", tag: "1.0")
        double.next("GET", "referrers", times: 20, .lie { $0.body = Index().bytes })
        try await SigningPlace.with { place in
            try await double.run { host in
                let signed = try await place.run(
                    "roadstead sign \(SigningPlace.key) --insecure-registry \(host)/team/app:1.0")
                #expect(signed.status == 3)
                #expect(signed.errors.contains("was put there, and is not found again"))
            }
        }
    }

    @Test func `what is inspected is shown as a tree, and a signature that does not hold says why`() async throws {
        let image = SampleImage()
        try await SigningPlace.with { place in
            try await DebianRegistry.run { registry in
                try await image.push(to: registry, "team/app")
                let name = "\(registry.host)/team/app"
                let shown = try await place.run(
                    """
                    roadstead sign \(SigningPlace.key) --insecure-registry --index-only -m build=42 --expiry 1h --format cose \(name):1.0 >/dev/null
                    roadstead inspect --insecure-registry \(name):1.0
                    """)
                let lines = shown.output.split(separator: "\n").map(String.init)
                #expect(lines.first == "index \(name)@\(Digest(of: image.index))")
                for part in [
                    "├ signature sha256:", "by CN=CI,O=Acme,ST=WA,C=US", "cose envelope, ES256", "counts until ",
                    "states build=42", "└ CN=Acme root,O=Acme,ST=WA,C=US", "no timestamp",
                    "└ manifest \(image.digests[2])", "  └ not signed",
                ] {
                    #expect(lines.contains { $0.contains(part) }, "\(part)")
                }
            }
        }
    }

    @Test func `plain HTTP to another machine is refused before anything is sent`() async throws {
        try await SigningPlace.with { place in
            let refused = try await place.run(
                "roadstead sign \(SigningPlace.key) --insecure-registry registry.example.com/team/app:1.0")
            #expect(refused.status == 3)
            #expect(
                refused.errors.contains("registry.example.com is not this machine, and plain HTTP goes nowhere else"))
        }
    }
}
