import Codecs
import FleetFixtures
import Foundation
import Glibc
import PKI
import RoadsteadAgent
import Testing
import TrustModel

/// A host in a sandbox of its own, beside a fleet of its own.
final class Host {
    let sandbox: String
    let fleet: FixtureFleet
    let server: FleetServer
    let now = SystemClock.now

    init() throws {
        sandbox = "/tmp/roadstead-agent-\(getpid())-\(UInt32.random(in: 0 ... .max))"
        try FileManager.default.createDirectory(atPath: sandbox, withIntermediateDirectories: true)
        fleet = try FixtureFleet("prod", directory: sandbox + "/www")
        server = FleetServer(directory: sandbox + "/www", fleetID: fleet.id)
    }

    deinit { try? FileManager.default.removeItem(atPath: sandbox) }

    var statePath: String { sandbox + "/state" }
    var state: StateDirectory { StateDirectory(statePath) }

    /// A root for team `acme` and a first release with it.
    @discardableResult
    func publishFirst(mode: EnforcementMode = .observe) async throws -> Certificate {
        let root = try await FixtureCertificates.root("first", at: now)
        fleet.set(mode: mode)
        try fleet.set("acme", scopes: ["registry.example.com/acme"], stores: ["prod": [root]])
        try await fleet.publish(at: now)
        return root
    }

    /// Writes a file into the sandbox and tells its path.
    func write(_ text: String, _ name: String) throws -> String {
        let path = sandbox + "/" + name
        try Data(text.utf8).write(to: URL(fileURLWithPath: path))
        return path
    }

    func enroll(_ address: String, notationConfig: String? = nil) async throws {
        let file = try write(fleet.joinString(server: address, token: FleetServer.token).text, "join")
        let config = notationConfig.map { ["--notation-config", $0] } ?? []
        let run = try await AgentProcess.run(
            ["enroll", "--state", statePath, "--join-string-file", file, "--name", "web-1"] + config)
        try #require(run.status == 0, "\(run.errors)")
    }

    func sync(_ environment: [String: String] = [:]) async throws -> AgentRun {
        try await AgentProcess.run(["sync", "--state", statePath], environment: environment)
    }

    /// The generation in force, every byte held against its manifest.
    func inForce() throws -> GenerationStore.Intact? { try GenerationStore(state).current() }

    /// Every path below a directory with its kind, time of change, target and content.
    func listing(_ directory: String, without excluded: String = "-") throws -> [String: String] {
        let manager = FileManager.default
        var found: [String: String] = [:]
        let names = manager.enumerator(atPath: directory)?.compactMap { $0 as? String } ?? []
        for name in names where !(directory + "/" + name).hasPrefix(excluded) {
            let path = directory + "/" + name
            let attributes = try manager.attributesOfItem(atPath: path)
            let kind = attributes[.type] as? FileAttributeType
            let date = attributes[.modificationDate] as? Date
            let content = (try? Data(contentsOf: URL(fileURLWithPath: path)))?.base64EncodedString() ?? "-"
            let link = (try? manager.destinationOfSymbolicLink(atPath: path)) ?? ""
            found[name] = "\(kind?.rawValue ?? "") \(date?.timeIntervalSince1970 ?? 0) \(link) \(content)"
        }
        return found
    }
}
