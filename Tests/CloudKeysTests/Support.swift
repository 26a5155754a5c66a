import Codecs
import Foundation
import KeyServices
import SigningKeys
import Synchronization
import Testing

@testable import CloudKeys

/// One test after the other: each starts programs and waits for them, and services are given up when their time is up.
@Suite(.serialized) struct KeyServiceTests {}

let message = Array("what is signed".utf8)

/// What a body failed with, if it was one of CloudKeys' errors.
func failure(_ body: () async throws -> Void) async -> CloudKeyError? {
    do {
        try await body()
        return nil
    } catch { return error as? CloudKeyError }
}

/// What a body failed with, if it was an error about keys.
func keyFailure(_ body: () async throws -> Void) async -> KeyError? {
    do {
        try await body()
        return nil
    } catch { return error as? KeyError }
}

/// Every scheme that a key of a type is used with.
func schemes(_ type: KeyType) -> [SignatureScheme] {
    switch type {
    case .ed25519: [.ed25519]
    case .ec:
        type.tiedHash.map { [.ecdsa($0, .der), .ecdsa($0, .fixed)] } ?? []
    case .rsa: [.rsaPSS(.sha256), .rsaPSS(.sha384), .rsaPSS(.sha512)]
    }
}

/// The types by the names that people type.
let typesByName: [String: KeyType] = [
    "ec-p256": .ec(.p256), "ec-p384": .ec(.p384), "ec-p521": .ec(.p521), "rsa-2048": .rsa(bits: 2_048),
    "rsa-3072": .rsa(bits: 3_072), "rsa-4096": .rsa(bits: 4_096), "ed25519": .ed25519,
]

/// Answers what it is told to, in order, and the last for ever; keeps what it was sent.
actor ScriptedTransport: KeyServiceTransport {
    private var answers: [@Sendable (KeyServiceRequest) throws -> KeyServiceResponse]
    private(set) var requests: [KeyServiceRequest] = []

    init(_ answers: [@Sendable (KeyServiceRequest) throws -> KeyServiceResponse]) { self.answers = answers }

    func send(_ request: KeyServiceRequest) async throws -> KeyServiceResponse {
        requests.append(request)
        let answer = answers.count > 1 ? answers.removeFirst() : answers[0]
        return try answer(request)
    }
}

/// Puts something between a backend and a real service.
struct ChangingTransport: KeyServiceTransport {
    let inner: any KeyServiceTransport
    let change: @Sendable (KeyServiceRequest, KeyServiceResponse) throws -> KeyServiceResponse

    func send(_ request: KeyServiceRequest) async throws -> KeyServiceResponse {
        try change(request, try await inner.send(request))
    }
}

extension KeyServiceResponse {
    static func json(_ status: Int, _ body: JSON, _ headers: [(name: String, value: String)] = []) -> Self {
        KeyServiceResponse(status: status, headers: headers, body: body.bytes)
    }
}

/// Waits for nothing, so that a test of attempts takes no time.
func impatient(_ variables: [String: String]) -> KeyServiceEnvironment {
    KeyServiceEnvironment(variables, wait: { _ in })
}

/// What was asked for, by paths.
final class Paths: Sendable {
    private let urls = Mutex<[String]>([])

    func add(_ url: String) { urls.withLock { $0.append(url) } }

    var last: String? { urls.withLock { $0.last } }

    func count(_ part: String) -> Int { urls.withLock { $0.count { $0.contains(part) } } }
}

/// Whether OpenSSL's own program confirms a signature over ``message``.
func isValidForOpenSSL(_ signature: [UInt8], _ key: PublicKey, digest: String) throws -> Bool {
    let folder = FileManager.default.temporaryDirectory.appending(path: "verify.\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    for (name, bytes) in [("key", Array(key.pem.utf8)), ("signature", signature), ("message", message)] {
        try Data(bytes).write(to: folder.appending(path: name))
    }
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = ["openssl", "dgst", digest, "-verify", "key", "-signature", "signature", "message"]
    process.currentDirectoryURL = folder
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    return process.terminationStatus == 0
}

/// A file that only this user can read; whoever asks for it removes it.
func privateFile(_ text: String, mode: Int = 0o600) throws -> String {
    let path = FileManager.default.temporaryDirectory.appending(path: "file.\(UUID().uuidString)").path
    guard
        FileManager.default.createFile(
            atPath: path, contents: Data(text.utf8), attributes: [.posixPermissions: mode])
    else { throw CocoaError(.fileWriteUnknown) }
    return path
}

/// How long somebody would have waited.
final class Waits: Sendable {
    private let durations = Mutex<[Duration]>([])

    var all: [Duration] { durations.withLock { $0 } }

    func add(_ duration: Duration) { durations.withLock { $0.append(duration) } }
}
