import Codecs
import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import NIOCore
import PKI
import RoadsteadCommand
import SigningKeys
import Synchronization
import TestVectors
import Testing
import TimestampAuthority

@testable import RoadsteadRemote

/// `openssl ts` behind an HTTP server on loopback, which can be told to go wrong.
private struct AuthorityServer: Sendable {
    private let openssl: OpenSSLAuthority
    private let others: [String: OpenSSLAuthority]
    private let unfit: TimestampAuthority
    /// What the signer trusts; the stranger's root is not among it.
    let roots: [Certificate]

    init(in folder: URL, start: UTCDate) async throws {
        func place(_ name: String) throws -> URL {
            let place = folder.appendingPathComponent(name)
            try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
            return place
        }
        let authority = try await TimestampAuthority(from: start)
        openssl = try OpenSSLAuthority(authority, in: try place("tsa"))
        let expired = try await TimestampAuthority(from: start, days: 1)
        let stranger = try await TimestampAuthority(from: start)
        others = [
            "/expired": try OpenSSLAuthority(expired, in: try place("expired")),
            "/stranger": try OpenSSLAuthority(stranger, in: try place("stranger")),
            "/refusing": try OpenSSLAuthority(authority, in: try place("refusing"), options: ["digests": "sha512"]),
        ]
        unfit = try await TimestampAuthority(from: start) { template in
            template.extensions.removeAll { $0.identifier == ObjectIdentifier.extendedKeyUsage }
            template.extensions.append(try .extendedKeyUsage([ObjectIdentifier.timeStamping]))
        }
        roots = [authority.root, expired.root, unfit.root]
    }

    /// Serves on a port of its own while the body runs.
    func run(_ body: @Sendable (String) async throws -> Void) async throws {
        let router = Router()
        router.post("**") { request, _ in try await answer(request) }
        try await Application(router: router).test(.live) { client in
            try await body("http://127.0.0.1:\(client.port ?? 0)")
        }
    }

    private func answer(_ request: Request) async throws -> Response {
        let query = [UInt8](Array(try await request.body.collect(upTo: 1 << 16).readableBytesView))
        let path = request.uri.path
        switch path {
        case "/redirect": return Response(status: .found, headers: [.location: "/"])
        case "/garbage": return reply(Array("no timestamp".utf8))
        case "/long": return reply([UInt8](repeating: 0x30, count: 1 << 20))
        case "/hang":
            try await Task.sleep(for: .seconds(5))
            return reply([])
        case "/nonce": return reply(try openssl.answer(to: try changed(query) { $0[$0.count - 4] ^= 1 }))
        case "/imprint": return reply(try openssl.answer(to: try changed(query) { $0[40] ^= 1 }))
        case "/unfit":
            let now = UTCDate(seconds: Int64(Date().timeIntervalSince1970))
            return reply(try await unfit.answer(to: query, at: now))
        default: return reply(try (others[path] ?? openssl).answer(to: query))
        }
    }

    private func changed(_ query: [UInt8], _ change: (inout [UInt8]) -> Void) throws -> [UInt8] {
        var query = query
        change(&query)
        return query
    }

    private func reply(_ body: [UInt8]) -> Response {
        Response(
            status: .ok, headers: [.contentType: "application/timestamp-reply"],
            body: .init(byteBuffer: ByteBuffer(bytes: body)))
    }
}

@Suite struct `Timestamps over HTTP` {
    /// A folder with a signing key below a root, an authority, a policy for blobs that wants timestamps, and a file.
    private func withPrograms(
        _ body: @Sendable (_ folder: URL, _ url: String) async throws -> Void
    ) async throws {
        let start = UTCDate(seconds: Int64(Date().timeIntervalSince1970) - 5 * 86_400)
        try await TestVectors.withTemporaryFolder { folder in
            let server = try await AuthorityServer(in: folder, start: start)
            try Data(server.roots.map(\.pem).joined().utf8).write(to: folder.appendingPathComponent("tsa-root.crt"))
            let policy = """
                {"version":"1.0","trustPolicies":[{"name":"all","globalPolicy":true,"signatureVerification":{"level":"strict"},\
                "trustStores":["ca:acme","tsa:clock"],"trustedIdentities":["*"]}]}
                """
            let prepared = try run(
                """
                set -e
                printf 'release notes' >notes.txt
                roadstead ca init --subject 'C=US, ST=WA, O=Acme, CN=Root' --out ca --allow-plaintext-key
                roadstead ca issue --ca ca --subject 'C=US, ST=WA, O=Acme, CN=CI' --out ci --allow-plaintext-key
                mkdir -p config/truststore/x509/ca/acme config/truststore/x509/tsa/clock
                cp ca/ca.crt config/truststore/x509/ca/acme/ && cp tsa-root.crt config/truststore/x509/tsa/clock/
                printf '%s' '\(policy)' >config/trustpolicy.blob.json
                """, folder)
            #expect(prepared.status == 0, "\(prepared.text)")
            try await server.run { url in try await body(folder, url) }
        }
    }

    private static let sign =
        "roadstead blob sign --key file:ci/signing.key --allow-plaintext-key --certificate-chain ci/chain.pem "
        + "--timestamp-root tsa-root.crt"

    private func run(_ script: String, _ folder: URL) throws -> TestVectors.Outcome {
        let head = "cd '\(folder.path)' && export PATH='\(Bundle.main.bundleURL.path)':\"$PATH\"\n"
        return try TestVectors.outcome("/usr/bin/setsid", ["-w", "/bin/sh", "-c", head + script])
    }

    /// The same while the server of the test goes on answering.
    private func runBeside(_ script: String, _ folder: URL) async throws -> TestVectors.Outcome {
        try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread { continuation.resume(with: Result { try run(script, folder) }) }
        }
    }

    @Test(arguments: ["jws", "cose"])
    func `a file is signed with a timestamp of openssl, and verified under a policy that wants one`(
        _ format: String
    ) async throws {
        try await withPrograms { folder, url in
            let plain = try await runBeside(
                "\(Self.sign.replacing("--timestamp-root tsa-root.crt", with: "")) --format \(format) notes.txt", folder
            )
            #expect(plain.status == 0, "\(plain.text)")
            let rejected = try await runBeside("roadstead blob verify --config config notes.txt", folder)
            #expect(rejected.status == 1 && rejected.text.contains("carries none"), "\(rejected.text)")
            let signed = try await runBeside(
                "\(Self.sign) --force --format \(format) --timestamp-url \(url)/tsa notes.txt", folder)
            #expect(signed.status == 0, "\(signed.text)")
            let verified = try await runBeside("roadstead blob verify --config config notes.txt", folder)
            #expect(verified.status == 0, "\(verified.text)")
            let output = String(decoding: verified.output, as: UTF8.self)
            #expect(output.contains("timestamped at") && output.contains("CN=Time unit"), "\(output)")
        }
    }

    @Test func `an authority that does wrong leaves nothing signed`() async throws {
        let wrongs = [
            ("nonce", "another nonce"), ("imprint", "other bytes"), ("refusing", "unknown or refused hash"),
            ("expired", "it expired at"), ("stranger", "does not lead to a trusted root"),
            ("unfit", "not marked critical"), ("garbage", "no timestamp response"),
            ("redirect", "HTTP status 302"), ("long", "more than"),
        ]
        try await withPrograms { folder, url in
            for (path, words) in wrongs {
                let outcome = try await runBeside("\(Self.sign) --timestamp-url \(url)/\(path) notes.txt", folder)
                #expect(outcome.status == 3 && outcome.text.contains(words), "\(path): \(outcome.text)")
                let left = FileManager.default.fileExists(
                    atPath: folder.appendingPathComponent("notes.txt.jws.sig").path)
                #expect(!left, "\(path)")
            }
            let nobody = try await runBeside("\(Self.sign) --timestamp-url http://127.0.0.1:9/ notes.txt", folder)
            #expect(nobody.status == 3 && nobody.text.contains("does not answer"), "\(nobody.text)")
        }
    }

    @Test func `an authority that does not answer holds nobody up`() async throws {
        try await withPrograms { _, url in
            let clock = ContinuousClock()
            let start = clock.now
            await #expect(throws: RemoteError(.unreachable, "")) {
                _ = try await HTTPClientReach().send(
                    RoadsteadCommand.HTTPRequest(
                        .post, "\(url)/hang", body: [1], maximumBytes: 100, deadline: .milliseconds(300)))
            }
            #expect(clock.now - start < .seconds(4))
        }
    }
}
