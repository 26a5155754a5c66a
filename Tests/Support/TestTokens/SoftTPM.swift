import Foundation

/// A TPM in software behind its PKCS#11 module: swtpm, its resource manager on a private bus, and a store of its own.
package final class SoftTPM {
    package let token: RunningToken
    private let parts: [Component]

    package static let pin = "987654"

    /// Starts a TPM with one empty token, and removes everything afterwards.
    package static func withTPM<Value>(_ body: (SoftTPM) async throws -> Value) async throws -> Value {
        let directory = try Machine.directory("tpm")
        defer { try? FileManager.default.removeItem(at: directory) }
        let tpm = try SoftTPM(in: directory)
        defer { for part in tpm.parts.reversed() { part.stop() } }
        return try await body(tpm)
    }

    private init(in directory: URL) throws {
        func file(_ name: String) -> URL { directory.appendingPathComponent(name) }
        for name in ["state", "store"] {
            try FileManager.default.createDirectory(at: file(name), withIntermediateDirectories: true)
        }
        // The resource manager takes the port above that of commands for control.
        let port = try Machine.freePorts(2)
        let tpm = try Component(
            [
                "swtpm", "socket", "--tpm2", "--tpmstate", "dir=\(file("state").path)",
                "--ctrl", "type=tcp,port=\(port + 1),bindaddr=127.0.0.1",
                "--server", "type=tcp,port=\(port),bindaddr=127.0.0.1", "--flags", "not-need-init,startup-clear",
            ], log: file("swtpm.log"))
        let bus = try Component(
            ["dbus-daemon", "--session", "--address=unix:path=\(file("bus").path)", "--nofork", "--nopidfile"],
            log: file("bus.log"))
        try bus.wait(for: "the bus") { FileManager.default.fileExists(atPath: file("bus").path) }
        let environment = [
            "DBUS_SESSION_BUS_ADDRESS": "unix:path=\(file("bus").path)", "TPM2_PKCS11_STORE": file("store").path,
            "TPM2_PKCS11_TCTI": "tabrmd:bus_type=session", "TPM2TOOLS_TCTI": "tabrmd:bus_type=session",
            "TPM2_PKCS11_LOG_LEVEL": "0",
        ]
        let manager = try Component(
            ["tpm2-abrmd", "--session", "--allow-root", "--tcti=swtpm:host=127.0.0.1,port=\(port)"],
            environment: environment, log: file("abrmd.log"))
        parts = [tpm, bus, manager]
        try manager.wait(for: "the TPM") {
            (try? Machine.run(["tpm2_getrandom", "--hex", "4"], environment: environment)) != nil
        }
        try Machine.run(["tpm2_ptool", "init"], environment: environment)
        try Machine.run(
            ["tpm2_ptool", "addtoken", "--pid=1", "--label=tpm", "--sopin=12345678", "--userpin=\(Self.pin)"],
            environment: environment)
        token = RunningToken(
            module: try Machine.library("libtpm2_pkcs11.so.1"), environment: environment, pin: Self.pin,
            uri: "pkcs11:token=tpm")
    }
}
