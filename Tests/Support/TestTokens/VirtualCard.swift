package import Foundation
import PythonEnvironment

/// A PIV card in a virtual reader: OpenSC, pcscd and vpcd as Debian has them, and a card in software.
///
/// Slot 9A holds a P-256 key (id 01), 9C a P-384 key that wants the PIN for every signature (id 02), 9E an RSA key of
/// 2,048 bits (id 04), each with a code signing certificate. pcscd has one socket for the whole machine, so only one card
/// is there at a time: whoever comes second waits.
package final class VirtualCard {
    package let token: RunningToken
    /// The CA that issued the card's certificates, PEM.
    package let issuer: URL
    private let daemon: Component
    private let card: Component

    package static let pin = "123456"
    /// The PIN locks after as many wrong ones.
    package static let tries = 3

    /// Why there can be no card on this machine; nil where there can.
    package static var obstacle: String? {
        if getuid() != 0 { return "pcscd must be started by root" }
        return nil
    }

    /// Plugs in a new card and removes everything afterwards.
    package static func withCard<Value>(_ body: (VirtualCard) async throws -> Value) async throws -> Value {
        guard
            let python = try PythonEnvironment.python(
                of: "card", requirements: "Tests/Support/TestTokens/requirements.txt")
        else { throw ComponentFailure(description: "pip cannot install the virtual card") }
        let lock = try await takeLock()
        defer { close(lock) }
        let directory = try Machine.directory("card")
        defer { try? FileManager.default.removeItem(at: directory) }
        let card = try VirtualCard(in: directory, python)
        defer { card.stop() }
        return try await body(card)
    }

    private init(in directory: URL, _ python: URL) throws {
        let port = try Machine.freePorts(2)
        let readers = directory.appendingPathComponent("readers")
        try FileManager.default.createDirectory(at: readers, withIntermediateDirectories: true)
        let name = "0x" + String(port, radix: 16, uppercase: true)
        try Data(
            """
            FRIENDLYNAME "Virtual PCD"
            DEVICENAME /dev/null:\(name)
            LIBPATH /usr/lib/pcsc/drivers/serial/libifdvpcd.so
            CHANNELID \(name)

            """.utf8
        ).write(to: readers.appendingPathComponent("vpcd"))
        let configuration = directory.appendingPathComponent("opensc.conf")
        try Data("app default {\n card_drivers = PIV-II;\n framework pkcs15 { use_file_caching = no; }\n}\n".utf8)
            .write(to: configuration)
        try FileManager.default.createDirectory(atPath: "/run/pcscd", withIntermediateDirectories: true)
        daemon = try Component(
            ["pcscd", "--foreground", "--config", readers.path], log: directory.appendingPathComponent("pcscd.log"))
        try daemon.wait(for: "pcscd") {
            FileManager.default.fileExists(atPath: Self.socket) && Machine.listens(port + 1)
        }
        let script = PythonEnvironment.root.appendingPathComponent("Tests/Support/TestTokens/card.py")
        card = try Component(
            [python.path, script.path, "\(port)", directory.path], log: directory.appendingPathComponent("card.log"))
        issuer = directory.appendingPathComponent("issuer.pem")
        token = RunningToken(
            module: try Machine.library("opensc-pkcs11.so"), environment: ["OPENSC_CONF": configuration.path],
            pin: Self.pin, uri: "pkcs11:model=PKCS%2315%20emulated;manufacturer=piv_II")
        guard try card.line(within: 30) == "made" else { throw ComponentFailure(description: "the card was not made") }
        try plug()
        // pcscd looks for cards once a second.
        try card.wait(for: "the card in its reader") {
            try Machine.run(["pkcs11-tool", "--module", token.module, "--list-slots"], environment: token.environment)
                .contains("token label")
        }
    }

    /// Puts the card into its reader, where it is seen a moment later.
    package func plug() throws { try tell(SIGUSR1, "plugged") }

    /// Pulls the card out. It keeps its keys and the count of wrong PINs.
    package func unplug() throws { try tell(SIGUSR2, "unplugged") }

    private func tell(_ number: Int32, _ answer: String) throws {
        card.signal(number)
        let said = try card.line(within: 20)
        guard said == answer else { throw ComponentFailure(description: "the card said \(said), not \(answer)") }
    }

    private func stop() {
        card.stop()
        daemon.stop()
        for name in ["pcscd.comm", "pcscd.pid"] { try? FileManager.default.removeItem(atPath: "/run/pcscd/\(name)") }
    }

    private static let socket = "/run/pcscd/pcscd.comm"

    /// Held while the card is there.
    private static func takeLock() async throws -> Int32 {
        let lock = open("/run/lock/roadstead-virtual-card", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard lock >= 0 else { throw ComponentFailure(description: "the lock of the virtual card cannot be opened") }
        for _ in 0..<3_000 {
            if flock(lock, LOCK_EX | LOCK_NB) == 0 { return lock }
            try await Task.sleep(for: .milliseconds(100))
        }
        close(lock)
        throw ComponentFailure(description: "another test held the virtual card for five minutes")
    }
}
