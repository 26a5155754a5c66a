import Foundation
import PKI
import TestVectors
import Testing

/// What an authority leaves on disk when it is killed.
@Suite struct CARegisterTests {
    private func faults(_ more: String) -> String {
        "LD_PRELOAD=\(CommandFixture.programs)/libFaults.so FAULT_ROOT=$PWD \(more)"
    }

    /// How many file operations a command has.
    private func operations(_ command: String, _ fixture: CommandFixture) throws -> Int {
        let log = fixture.folder.path + "-operations"
        let run = try fixture.run(faults("FAULT_LOG='\(log)' \(command)"))
        try #require(run.status == 0, "\(run.text)")
        return try String(contentsOfFile: log, encoding: .utf8).split(separator: "\n").count
    }

    @Test(.timeLimit(.minutes(5)))
    func `killed at any file operation, no certificate that was given out is without its entry`() async throws {
        try await CommandFixture.with { fixture in
            let command = "roadstead ca renew --ca ca ci/signing.crt --out new --passphrase-file pass"
            let reset = "rm -rf new next && cp ../register ca/register.jsonl"
            #expect(try fixture.run("cp ca/register.jsonl ../register").status == 0)
            let count = try operations(command, fixture)
            try #require(count >= 8)
            for number in 1...count + 1 {
                #expect(try fixture.run(reset).status == 0)
                let killed = try fixture.run(faults("FAULT_AT=\(number) \(command)"))
                #expect(killed.status == (number > count ? 0 : 137), "operation \(number): \(killed.text)")
                let check = try fixture.run(
                    """
                    if test -s new/signing.crt; then
                        serial=$(openssl x509 -in new/signing.crt -noout -serial | cut -d= -f2 | tr A-F a-f)
                        roadstead ca list --ca ca | grep -q "^$serial" || exit 40
                    fi
                    test "$(roadstead ca list --ca ca | wc -l)" -ge 2 || exit 41
                    roadstead ca renew --ca ca ci/signing.crt --out next --passphrase-file pass || exit 42
                    openssl verify -CAfile ca/ca.crt next/signing.crt || exit 43
                    test "$(roadstead ca list --ca ca | wc -l)" = "$(grep -c '"issued"' ca/register.jsonl)" || exit 44
                    """)
                #expect(check.status == 0, "after operation \(number): \(check.text)")
            }
        }
    }

    @Test(.timeLimit(.minutes(5)))
    func `killed at any file operation, a published list is whole and its number is never used again`() async throws {
        try await CommandFixture.with { fixture in
            let command = "roadstead ca crl --ca ca --publish www --passphrase-file pass"
            let prepared = try fixture.run(
                "mkdir www && \(command) && roadstead ca revoke --ca ca ci/signing.crt --reason superseded --yes "
                    + "&& cp ca/register.jsonl ../register && cp www/ca.crl ../first.crl")
            try #require(prepared.status == 0, "\(prepared.text)")
            let count = try operations(command, fixture)
            try #require(count >= 6)
            for number in 1...count + 1 {
                let reset = "rm -rf www && mkdir www && cp ../first.crl www/ca.crl && cp ../register ca/register.jsonl"
                #expect(try fixture.run(reset).status == 0)
                let killed = try fixture.run(faults("FAULT_AT=\(number) \(command)"))
                #expect(killed.status == (number > count ? 0 : 137), "operation \(number): \(killed.text)")
                let file = fixture.folder.appendingPathComponent("www/ca.crl")
                let left = try RevocationList(pemOrDER: Array(try Data(contentsOf: file)))
                #expect(try fixture.run(command).status == 0, "after operation \(number)")
                let next = try RevocationList(pemOrDER: Array(try Data(contentsOf: file)))
                let numbers = [left, next].compactMap { $0.crlNumberText.flatMap(Int.init) }
                #expect(numbers.count == 2 && numbers[0] < numbers[1], "after operation \(number): \(numbers)")
                #expect(next.entries.count == 1)
            }
        }
    }

    @Test func `a line that was never finished counts for nothing and is written over`() async throws {
        try await CommandFixture.with { fixture in
            let whole = try fixture.run("head -c -20 ca/register.jsonl > torn && cp torn ca/register.jsonl")
            #expect(whole.status == 0)
            let left = try fixture.run("roadstead ca list --ca ca")
            #expect(left.status == 0 && String(decoding: left.output, as: UTF8.self).split(separator: "\n").count == 1)
            let added = try fixture.run(
                "roadstead ca renew --ca ca plain/signing.crt --out new --passphrase-file pass && roadstead ca list --ca ca"
            )
            #expect(added.status == 0, "\(added.text)")
            let register = try String(
                contentsOf: fixture.folder.appendingPathComponent("ca/register.jsonl"), encoding: .utf8)
            #expect(register.hasSuffix("}\n") && register.split(separator: "\n").count == 3)
        }
    }
}
