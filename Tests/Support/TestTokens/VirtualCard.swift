package import Foundation
import PythonEnvironment

/// A PIV card in a virtual reader: OpenSC, pcscd and vpcd as Debian has them, and a card in software.
///
/// Slot 9A holds a P-256 key (id 01), 9C a P-384 key that wants the PIN for every signature (id 02), 9E an RSA key of
/// 2,048 bits (id 04), each with a code signing certificate. pcscd wants to be root and has one place on the machine, and
/// vpcd listens to everybody; here they have namespaces in which that is so and harms nobody, and any user may run them.
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
    package static let obstacle: String? = {
        do { try Machine.run(namespace + ["true"]) } catch { return "no namespace can be made for pcscd: \(error)" }
        return nil
    }()

    /// Root has no need of another user's namespace, and may not get one.
    private static let namespace =
        ["unshare", "--mount", "--net"] + (getuid() == 0 ? [] : ["--user", "--map-root-user"])

    /// Plugs in a new card and removes everything afterwards.
    package static func withCard<Value>(_ body: (VirtualCard) async throws -> Value) async throws -> Value {
        guard
            let python = try PythonEnvironment.python(
                of: "card", requirements: "Tests/Support/TestTokens/requirements.txt")
        else { throw ComponentFailure(description: "pip cannot install the virtual card") }
        let directory = try Machine.directory("card")
        defer { try? FileManager.default.removeItem(at: directory) }
        let card = try VirtualCard(in: directory, python)
        defer { card.stop() }
        return try await body(card)
    }

    private init(in directory: URL, _ python: URL) throws {
        let readers = directory.appendingPathComponent("readers")
        try FileManager.default.createDirectory(at: readers, withIntermediateDirectories: true)
        try Data(
            """
            FRIENDLYNAME "Virtual PCD"
            DEVICENAME /dev/null:0x8C7B
            LIBPATH /usr/lib/pcsc/drivers/serial/libifdvpcd.so
            CHANNELID 0x8C7B

            """.utf8
        ).write(to: readers.appendingPathComponent("vpcd"))
        let configuration = directory.appendingPathComponent("opensc.conf")
        try Data("app default {\n card_drivers = PIV-II;\n framework pkcs15 { use_file_caching = no; }\n}\n".utf8)
            .write(to: configuration)
        let place = directory.appendingPathComponent("run")
        try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
        // Its place in /run, which nobody else sees, is the test's own directory.
        let start = """
            mount -t tmpfs none /run && mkdir /run/pcscd && mount --bind "$0" /run/pcscd && exec pcscd --foreground --config "$1"
            """
        daemon = try Component(
            Self.namespace + ["sh", "-c", start, place.path, readers.path],
            log: directory.appendingPathComponent("pcscd.log"))
        let socket = place.appendingPathComponent("pcscd.comm").path
        try daemon.wait(for: "pcscd") { FileManager.default.fileExists(atPath: socket) }
        let script = PythonEnvironment.root.appendingPathComponent("Tests/Support/TestTokens/card.py")
        let user = getuid() == 0 ? [] : ["--user", "--preserve-credentials"]
        card = try Component(
            ["nsenter", "--target", "\(daemon.group)", "--net"] + user
                + [python.path, script.path, "\(0x8C7B)", directory.path],
            log: directory.appendingPathComponent("card.log"))
        issuer = directory.appendingPathComponent("issuer.pem")
        token = RunningToken(
            module: try Machine.library("opensc-pkcs11.so"),
            environment: ["OPENSC_CONF": configuration.path, "PCSCLITE_CSOCK_NAME": socket], pin: Self.pin,
            uri: "pkcs11:model=PKCS%2315%20emulated;manufacturer=piv_II")
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
    }
}
