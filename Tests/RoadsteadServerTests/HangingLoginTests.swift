import Files
import Foundation
import RoadsteadPublish
import SigningKeys
import SoftHSM
import Testing
import TokenKeys

@testable import RoadsteadServer

@Suite struct HangingLoginTests {
    @Test func `a token that never answers to its PIN costs the server its deadline, and is back by itself`()
        async throws
    {
        try await SoftHSM.withToken { softHSM in
            try softHSM.pkcs11Tool(["--keypairgen", "--key-type", "EC:prime256v1", "--id", "1", "--label", "k"])
            let hanging = softHSM.directory.appending(path: "hanging").path
            let fault = ["FAULT": "login-hang", "FAULT_WHILE": hanging]
            let products = Bundle.main.bundlePath
            let settings = TokenSettings(
                module: products + "/libFaultyModule.so", program: products + "/roadstead-p11",
                deadline: .milliseconds(1_500), environment: softHSM.environment.merging(fault) { $1 }
            ) { _ in Secret(SoftHSM.pin) }
            let name = try KeyName("pkcs11:token=roadstead;object=k")
            let tokens = ServerTokens(settings)
            let publicKey = try await tokens.publicKey(name)
            let reach = KeyReach(KeyBackends([.pkcs11: tokens]), deadline: .seconds(1))
            func test() async -> String? { await reach.test(name, publicKey, scheme: .ecdsa(.sha256, .fixed)) }

            try Files.write([], to: hanging)
            let start = ContinuousClock.now
            let reason = await test()
            #expect(reason?.contains("did not answer within 1 seconds") == true, "\(reason ?? "it signed")")
            #expect(ContinuousClock.now - start < .seconds(10))
            #expect(reach.isHanging(.pkcs11))

            try Files.remove(hanging)
            var last: String? = "not tried"
            for _ in 0..<100 where last != nil {
                last = await test()
                if last != nil { try await Task.sleep(for: .milliseconds(100)) }
            }
            #expect(last == nil, "\(last ?? "")")
            #expect(!reach.isHanging(.pkcs11))
        }
    }
}
