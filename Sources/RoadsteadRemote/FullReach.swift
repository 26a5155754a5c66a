package import RoadsteadCommand
import SigningKeys

extension Reach {
    /// Everything that this program can get at: what the commands of `roadstead` run with here.
    package static let full = Reach(
        keys: { request in
            [.pkcs11: TokenKeysOnModules(request)]
        }, http: HTTPClientReach())
}
