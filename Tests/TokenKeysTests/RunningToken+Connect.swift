import SigningKeys
import TestTokens
import TokenWire

@testable import TokenKeys

extension RunningToken {
    func connect(
        pin: String? = nil, deadline: Duration = .seconds(30), recovery: Duration = .seconds(8),
        allowsLastPINTries: Bool = false, pinMemory: PINMemory? = nil
    ) throws -> TokenConnection {
        TokenConnection(
            try TokenURI(uri),
            settings(
                pin: pin, deadline: deadline, recovery: recovery, allowsLastPINTries: allowsLastPINTries,
                pinMemory: pinMemory))
    }

    func settings(
        pin: String? = nil, deadline: Duration = .seconds(30), recovery: Duration = .seconds(8),
        allowsLastPINTries: Bool = false, pinMemory: PINMemory? = nil
    ) -> TokenSettings {
        let given = pin ?? self.pin
        return TokenSettings(
            module: module, program: products + "/roadstead-p11", deadline: deadline, environment: environment,
            allowsLastPINTries: allowsLastPINTries, recovery: recovery, pinMemory: pinMemory
        ) { _ in Secret(given) }
    }
}
