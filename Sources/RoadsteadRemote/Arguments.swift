import ArgumentParser
import Files
import Foundation
import RoadsteadWire
import TrustModel

extension TrustStoreKind: ExpressibleByArgument {}
extension AnchorOrigin: ExpressibleByArgument {}
extension AnchorLimit: ExpressibleByArgument {}
extension EnforcementMode: ExpressibleByArgument {}
extension EnforcerKind: ExpressibleByArgument {}
extension VerificationLevel: ExpressibleByArgument {}
extension FleetProfile: ExpressibleByArgument {}
extension FleetSettings.Inexpressible: ExpressibleByArgument {}
extension PersonRole: ExpressibleByArgument {}
extension TokenAccess: ExpressibleByArgument {}
extension ChangeState: ExpressibleByArgument {}
extension RuleEffect: ExpressibleByArgument {}

/// The number of a change, written `C-12` or `12`.
struct ChangeNumber: ExpressibleByArgument, Sendable {
    let value: Int64

    init?(argument: String) {
        let digits = argument.uppercased().hasPrefix("C-") ? String(argument.dropFirst(2)) : argument
        guard let value = Int64(digits), value > 0 else { return nil }
        self.value = value
    }
}

/// Text from a file, or from standard input for `-`.
func readText(_ path: String, limit: Int = 1 << 20) throws -> String {
    let bytes: [UInt8]
    if path == "-" {
        let data = try FileHandle.standardInput.read(upToCount: limit + 1) ?? Data()
        guard data.count <= limit else { throw RemoteError(.file, "standard input is larger than \(limit) bytes") }
        bytes = Array(data)
    } else {
        bytes = try Files.read(path, limit: limit)
    }
    guard let text = String(validating: bytes, as: UTF8.self) else {
        throw RemoteError(.file, "\(path) is not a text file", hint: "certificates and keys are taken as PEM")
    }
    return text
}

/// A secret from a file that others cannot read, or one line of standard input for `-`.
func readSecretLine(_ path: String) throws -> String {
    let text = path == "-" ? readLine() ?? "" : String(decoding: try Files.readSecret(path), as: UTF8.self)
    return try secretLine(of: text, path)
}

private func secretLine(of text: String, _ place: String) throws -> String {
    let line = text.trimmingCharacters(in: .whitespacesAndNewlines)
    guard !line.isEmpty, !line.contains("\n") else {
        throw RemoteError(.file, "\(place) does not hold one line with a secret")
    }
    return line
}
