import Foundation
import SigningKeys
import TestAgent
import Testing

@testable import AgentKeys

/// Keys in OpenSSH's real agent.
@Suite(.timeLimit(.minutes(2))) struct AgentKeyTests {
    struct Kind: CustomTestStringConvertible, Sendable {
        let ssh: String
        let bits: Int?
        let type: KeyType
        let schemes: [SignatureScheme]
        var testDescription: String { type.description }
    }

    static let kinds = [
        Kind(
            ssh: "ecdsa", bits: 256, type: .ec(.p256), schemes: [.ecdsa(.sha256, .fixed), .ecdsa(.sha256, .der)]),
        Kind(
            ssh: "ecdsa", bits: 384, type: .ec(.p384), schemes: [.ecdsa(.sha384, .fixed), .ecdsa(.sha384, .der)]),
        Kind(
            ssh: "ecdsa", bits: 521, type: .ec(.p521), schemes: [.ecdsa(.sha512, .fixed), .ecdsa(.sha512, .der)]),
        Kind(ssh: "ed25519", bits: nil, type: .ed25519, schemes: [.ed25519]),
    ]

    @Test(arguments: kinds)
    func `an agent's key signs whole messages with the hash of its curve`(_ kind: Kind) async throws {
        try await RealAgent.with { agent in
            try agent.add(kind.ssh, bits: kind.bits, comment: "team key")
            let backend = AgentKeyBackend(socket: agent.socket)
            let key = try await backend.open(try KeyName("ssh-agent:team key"))
            #expect(key.signer.publicKey.type == kind.type)
            #expect(key.name.text.hasPrefix("ssh-agent:SHA256:"))
            let again = try await backend.open(key.name)
            #expect(again.signer.publicKey == key.signer.publicKey)
            let only = try await backend.publicKey(try KeyName("ssh-agent:"))
            #expect(only == key.signer.publicKey)
            for scheme in kind.schemes {
                // Short numbers in a signature come up once in some hundred.
                for round in 0..<40 {
                    let message = Array("message \(round)".utf8)
                    _ = try await verifiedSignature(by: AnySigner(key.signer), over: message, scheme: scheme)
                }
            }
        }
    }

    @Test func `another hash than the curve's is refused before the agent is asked`() async throws {
        try await RealAgent.with { agent in
            try agent.add("ecdsa", bits: 256, comment: "k")
            let key = try await AgentKeyBackend(socket: agent.socket).open(try KeyName("ssh-agent:k"))
            await #expect(throws: KeyError(.scheme, "")) {
                _ = try await key.signer.signature(over: [1], scheme: .ecdsa(.sha384, .fixed))
            }
            await #expect(throws: AgentError(.unsupported, "")) {
                _ = try await key.signer.signature(
                    over: [UInt8](repeating: 0, count: 256 << 10), scheme: .ecdsa(.sha256, .fixed))
            }
        }
    }

    @Test func `RSA keys are listed as left out, and refused with the reason`() async throws {
        try await RealAgent.with { agent in
            try agent.add("rsa", bits: 2_048, comment: "old")
            try agent.add("ed25519", comment: "new")
            let backend = AgentKeyBackend(socket: agent.socket)
            let listing = try await backend.list(try KeyName("ssh-agent:"))
            #expect(listing.entries.count == 1)
            #expect(listing.skipped.first?.contains("PKCS#1 v1.5") == true)
            let error = await #expect(throws: AgentError.self) { try await backend.open(try KeyName("ssh-agent:old")) }
            #expect(error?.code == .unsupported)
            #expect(error?.reason.contains("RSA-PSS is needed") == true)
            let only = try await backend.open(try KeyName("ssh-agent:"))
            #expect(only.signer.publicKey.type == .ed25519)
        }
    }

    @Test(arguments: ["sk-ecdsa-sha2-nistp256@openssh.com", "sk-ssh-ed25519@openssh.com"])
    func `FIDO keys are refused with the reason`(type: String) {
        let identity = AgentIdentity(
            blob: AgentWire.string(Array(type.utf8)) + AgentWire.string([1, 2]), comment: "sk")
        #expect(throws: AgentError(.unsupported, "")) { try identity.key.get() }
        if case .failure(let error) = identity.key { #expect(error.reason.contains("prefix of its own")) }
    }

    @Test func `a name that none or several keys have is refused`() async throws {
        try await RealAgent.with { agent in
            let backend = AgentKeyBackend(socket: agent.socket)
            let none = await #expect(throws: AgentError.self) { try await backend.open(try KeyName("ssh-agent:")) }
            #expect(none?.reason.contains("shows no keys") == true)
            try agent.add("ed25519", comment: "same")
            try agent.add("ecdsa", bits: 256, comment: "same")
            for name in ["ssh-agent:", "ssh-agent:same", "ssh-agent:other", "ssh-agent:SHA256:AAAA"] {
                let error = await #expect(throws: AgentError.self) { try await backend.open(try KeyName(name)) }
                #expect(error?.code == .key, "\(name)")
            }
        }
    }

    @Test func `a locked agent shows no keys and signs nothing`() async throws {
        try await RealAgent.with { agent in
            try agent.add("ed25519", comment: "k")
            let backend = AgentKeyBackend(socket: agent.socket)
            let key = try await backend.open(try KeyName("ssh-agent:k"))
            try agent.run("printf '#!/bin/sh\\necho lock\\n' >answer && chmod 700 answer && ssh-add -x")
            let closed = await #expect(throws: AgentError.self) { try await backend.open(try KeyName("ssh-agent:k")) }
            #expect(closed?.hint?.contains("locked") == true)
            let denied = await #expect(throws: AgentError.self) {
                try await key.signer.signature(over: [1], scheme: .ed25519)
            }
            #expect(denied?.code == .denied)
            try agent.run("ssh-add -X")
            _ = try await verifiedSignature(by: AnySigner(key.signer), over: [1], scheme: .ed25519)
        }
    }

    @Test func `a signature that nobody confirms is not made, and one that somebody confirms is`() async throws {
        for (program, isConfirmed) in [("/bin/false", false), ("/bin/true", true)] {
            try await RealAgent.with(asks: program) { agent in
                try agent.add("ecdsa", bits: 384, comment: "k", options: "-c")
                let key = try await AgentKeyBackend(socket: agent.socket).open(try KeyName("ssh-agent:k"))
                let result = await Task {
                    try await verifiedSignature(by: AnySigner(key.signer), over: [1], scheme: .ecdsa(.sha384, .fixed))
                }.result
                #expect(((try? result.get()) != nil) == isConfirmed)
                if case .failure(let error) = result { #expect((error as? AgentError)?.code == .denied) }
            }
        }
    }

    @Test func `an agent that hangs is given up at the deadline`() async throws {
        try await RealAgent.with { agent in
            try agent.add("ed25519", comment: "k")
            let backend = AgentKeyBackend(socket: agent.socket, deadline: .milliseconds(400))
            let key = try await backend.open(try KeyName("ssh-agent:k"))
            kill(agent.process.processIdentifier, SIGSTOP)
            let start = ContinuousClock.now
            let error = await #expect(throws: AgentError.self) {
                try await key.signer.signature(over: [1], scheme: .ed25519)
            }
            #expect(error?.code == .deadline)
            #expect(ContinuousClock.now - start < .seconds(45))
            kill(agent.process.processIdentifier, SIGCONT)
            _ = try await verifiedSignature(by: AnySigner(key.signer), over: [1], scheme: .ed25519)
        }
    }

    @Test func `an agent that is gone, or was never there, is said to be so`() async throws {
        try await RealAgent.with { agent in
            try agent.add("ed25519", comment: "k")
            let key = try await AgentKeyBackend(socket: agent.socket).open(try KeyName("ssh-agent:k"))
            kill(agent.process.processIdentifier, SIGKILL)
            agent.process.waitUntilExit()
            let gone = await #expect(throws: AgentError.self) {
                try await key.signer.signature(over: [1], scheme: .ed25519)
            }
            #expect(gone?.code == .unreachable)
        }
        for socket in [nil, "", "relative", "/tmp/\(String(repeating: "a", count: 200))", "/dev/null"] as [String?] {
            let error = await #expect(throws: AgentError.self) {
                try await AgentKeyBackend(socket: socket).open(try KeyName("ssh-agent:"))
            }
            #expect(error?.code == .unreachable, "\(socket ?? "nil")")
        }
    }

    @Test(
        arguments: [
            [], [0, 0, 0, 9, 1], [0x80], [0, 0, 0, 1, 0x80], [0, 0, 0, 2, 0, 1], [0, 0, 0, 0],
            [0, 0, 0, 3, 1, 2, 3],
        ] as [[UInt8]])
    func `numbers that are short, negative, padded or too long are refused`(bytes: [UInt8]) {
        #expect(throws: AgentError.self) {
            var reader = AgentReader(bytes)
            _ = try reader.magnitude(2)
        }
    }
}
