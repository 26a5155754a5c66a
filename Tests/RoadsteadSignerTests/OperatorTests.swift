import AsyncHTTPClient
import Codecs
import Foundation
import NIOCore
import NIOHTTP1
import ReleaseCriteria
import Testing

@testable import RoadsteadSigner

/// What operators see of the service, on a listener of their own.
@Suite(.serialized) struct OperatorTests {
    private func get(_ port: Int, _ path: String) async throws -> (status: Int, text: String) {
        let response = try await HTTPClient.shared.execute(
            HTTPClientRequest(url: "http://127.0.0.1:\(port)\(path)"), timeout: .seconds(10))
        return (Int(response.status.code), String(buffer: try await response.body.collect(upTo: 1 << 20)))
    }

    @Test func `operators see what was decided, what failed, what was shed and how keys and log are`() async throws {
        try await Scene.with { scene in
            let configuration = scene.configuration(
                limits: ["callerPerMinute": 8, "probeSeconds": 3_600], operators: ["host": "127.0.0.1", "port": 0])
            try await SignerProcess.with(try scene.write(configuration)) { signer in
                try await signer.wait()
                let port = try await signer.operatorPort()
                let path = "/v1/keys/release/sign"
                func body(_ evidence: [JSON]) async throws -> [UInt8] {
                    try JSON(
                        encoding: SigningRequestBody(
                            toBeSigned: try await scene.toBeSigned(), scheme: nil, evidence: evidence,
                            image: Scene.image)
                    ).bytes
                }
                let good = try await scene.provenance(Scene.artifact())
                let branch = try await scene.provenance(Scene.artifact(), ref: "refs/heads/x")
                for evidence in [good, good, branch] {
                    _ = try await signer.send("POST", path, try await body([evidence]))
                }
                _ = try await signer.send("POST", path + "?dryRun=true", try await body([good]))
                _ = try await signer.send("POST", path, Array("{}".utf8))
                _ = try await signer.send("POST", path, [], token: "guess")
                for _ in 0..<6 { _ = try await signer.send("GET", "/v1/keys") }
                let (status, text) = try await get(port, "/metrics")
                #expect(status == 200)
                for line in [
                    #"roadstead_signer_decisions_total{key="release",outcome="signed"} 2"#,
                    #"roadstead_signer_decisions_total{key="release",outcome="denied"} 1"#,
                    #"roadstead_signer_decisions_total{key="release",outcome="allowed"} 1"#,
                    #"roadstead_signer_criteria_failed_total{key="release",criterion="provenance.ref"} 1"#,
                    #"roadstead_signer_signature_duration_seconds_count{key="release"} 2"#,
                    #"roadstead_signer_refused_total{reason="request"} 1"#,
                    #"roadstead_signer_refused_total{reason="unauthenticated"} 1"#,
                    #"roadstead_signer_refused_total{reason="rate-limit"} 3"#,
                    #"roadstead_signer_key_ready{key="release"} 1.0"#, "roadstead_signer_log_entries 4.0",
                    "roadstead_signer_log_writable 1.0", "# HELP roadstead_signer_key_ready",
                ] { #expect(text.contains(line), "\(line) in\n\(text)") }
                #expect(try await get(port, "/readyz").status == 200)
                #expect(try await get(port, "/healthz").status == 200)
                // Neither listener answers what belongs to the other.
                #expect(try await get(port, "/v1/keys").status == 404)
                #expect(try await get(signer.port, "/metrics").status == 404)
            }
        }
    }

    @Test func `metrics are not given out off this machine without a certificate`() async throws {
        try await Scene.with { scene in
            let tls: JSON = ["host": "0.0.0.0", "port": 0, "certificate": "a.crt", "key": "a.key"]
            for operators in [["host": "0.0.0.0", "port": 0] as JSON, tls] {
                let path = try scene.write(scene.configuration(operators: operators))
                #expect(throws: SignerError(.configuration, "")) { try SignerConfiguration(path: path) }
            }
        }
    }
}
