import Foundation
import PythonEnvironment
import SoftHSM
import Testing

/// Runs shell commands with the programs beside the test bundle and the functions of the demo.
private func shell(_ script: String, _ softHSM: SoftHSM, module: String? = SoftHSM.module) throws -> (
    status: Int32, output: String
) {
    var environment = softHSM.environment
    environment["ROADSTEAD_PROGRAMS"] = Bundle.main.bundlePath
    environment["PIN"] = softHSM.pinFile
    environment["work"] = softHSM.directory.path
    environment["ROADSTEAD_CONFIG_HOME"] = softHSM.directory.path + "/config"
    environment["XDG_STATE_HOME"] = softHSM.directory.path + "/state"
    environment["ROADSTEAD_PKCS11_MODULE"] = module ?? ""
    let start = "set -euo pipefail; cd '\(PythonEnvironment.root.path)'; . deploy/story.sh\n"
    return try PythonEnvironment.start("/usr/bin/env", ["bash", "-c", start + script], environment: environment)
}

@Suite struct TokenTests {
    private static let key = "pkcs11:token=roadstead;object=root"

    @Test func `a key is made on a token, listed and shown with the programs`() async throws {
        try await SoftHSM.withToken { softHSM in
            let (status, output) = try shell(
                """
                roadstead key generate --key-type ed25519 '\(Self.key)' --pin-file "$PIN" >"$work/made.pem"
                roadstead key inspect '\(Self.key)' --output pem >"$work/seen.pem"
                cmp "$work/made.pem" "$work/seen.pem"
                roadstead key generate --key-type ec-p256 'pkcs11:token=roadstead;object=second' --pin-fd 7 7<"$PIN"
                roadstead key list "pkcs11:token=roadstead?pin-source=file:$PIN"
                roadstead key list pkcs11:token=roadstead
                roadstead key inspect '\(Self.key)'
                """, softHSM)
            #expect(status == 0, "\(output)")
            #expect(output.contains("object=root") && output.contains("object=second"))
            #expect(output.contains("private") && output.contains("Ed25519") && output.contains("EC P-256"))
            #expect(output.contains("keyID"))
        }
    }

    @Test(arguments: [
        ("key list pkcs11:token=roadstead --pin-file $work/wrong", 3, "tried once"),
        ("key list pkcs11:token=roadstead --pin-file $work/exposed", 3, "others can reach it"),
        ("key list 'pkcs11:token=roadstead?pin-value=987654'", 2, "carries a PIN"),
        ("key list 'pkcs11:token=roadstead?module-path=/tmp/evil.so'", 2, "choose the code"),
        ("key list pkcs11:token=other", 3, "no token fits"),
        ("key inspect 'pkcs11:token=roadstead;object=none'", 3, "PIN"),
        ("key list pkcs11:token=roadstead --pkcs11-module /etc/hostname", 3, "no PKCS#11 module"),
        ("key list pkcs11:token=roadstead --pkcs11-module relative.so", 3, "not an absolute path"),
        ("key generate pkcs11:token=roadstead --pin-file $PIN", 2, "add object=LABEL"),
    ])
    func `what cannot be right is refused with the reason`(command: String, status: Int, reason: String) async throws {
        try await SoftHSM.withToken { softHSM in
            let prepare = "(umask 077; echo 111111 >$work/wrong); cp $PIN $work/exposed; chmod 644 $work/exposed\n"
            let result = try shell(prepare + "roadstead \(command)", softHSM)
            #expect(Int(result.status) == status, "\(result.output)")
            #expect(result.output.contains(reason), "\(result.output)")
            #expect(!result.output.contains(SoftHSM.pin))
        }
    }

    @Test func `without a module that somebody chose, nothing is loaded`() async throws {
        try await SoftHSM.withToken { softHSM in
            let (status, output) = try shell("roadstead key list pkcs11:token=roadstead", softHSM, module: nil)
            #expect(status == 2)
            #expect(output.contains("--pkcs11-module"))
        }
    }

    @Test(.timeLimit(.minutes(5)))
    func `a token that never answers to its PIN ends the command within its minute, and nothing is left of it`()
        async throws
    {
        try await SoftHSM.withToken { softHSM in
            let (status, output) = try shell(
                """
                export FAULT=login-hang FAULT_LOG="$work/logins"
                start=$(date +%s)
                expect 3 roadstead key list pkcs11:token=roadstead --pin-file "$PIN"
                [ $(($(date +%s) - start)) -lt 90 ] || fail "that took too long"
                expect_text "did not answer in time"
                [ "$(wc -l <"$work/logins")" -eq 1 ] || fail "the PIN was given more than once"
                for process in /proc/[0-9]*; do
                    [[ "$(readlink "$process/exe")" == */roadstead-p11 ]] || continue
                    ! grep -qs "$work" "$process/environ" || fail "the helper is still there"
                done
                # Whether it counted is not known, so it counts as no refusal.
                unset FAULT
                expect 0 roadstead key list pkcs11:token=roadstead --pin-file "$PIN"
                """, softHSM, module: Bundle.main.bundlePath + "/libFaultyModule.so")
            #expect(status == 0, "\(output)")
        }
    }

    @Test(.timeLimit(.minutes(5)))
    func `a fleet is held by a key that lies on a token`() async throws {
        try await SoftHSM.withToken { softHSM in
            let (status, output) = try shell(
                """
                chmod 755 "$work"; trap stop_children EXIT
                start_server "$work/server"
                make_people_and_team "$work/server"
                agreed alice fleet add demo --team acme
                expect 0 roadstead key generate --key-type ed25519 '\(Self.key)' --pin-file "$PIN"
                expect 0 alice ceremony open --fleet demo --key '\(Self.key)' --threshold 1
                ceremony=$(grep -oE 'ceremony [0-9]+' <<<"$output" | head -1 | cut -d' ' -f2)
                expect 0 alice ceremony sign "$ceremony" --key '\(Self.key)' --pin-file "$PIN" --yes
                expect 0 alice ceremony close "$ceremony"
                publish_release
                """, softHSM)
            #expect(status == 0, "\(output)")
            #expect(output.contains("is published"))
        }
    }
}
