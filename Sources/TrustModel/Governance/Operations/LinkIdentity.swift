/// Makes an identity at an issuer one of the author's: another account of the same person, or a machine that acts for it.
///
/// The author has shown a token of that identity before; who agrees sees that it stays one person to every rule.
package struct LinkIdentity: GovernedOperation {
    package static let kind = OperationKind.linkIdentity
    package static let concern = ChangeConcern.administration

    package let issuer: IssuerURL
    package let subject: IdentitySubject
    package let holder: TokenLimits.Holder
    /// The one team that a machine acts in; absent for all that its person reaches.
    package let team: TeamName?

    package init(issuer: IssuerURL, subject: IdentitySubject, holder: TokenLimits.Holder, team: TeamName? = nil) {
        self.issuer = issuer
        self.subject = subject
        self.holder = holder
        self.team = team
    }

    /// Anybody asks for their own; what counts is who agrees.
    package func proposal(in team: TeamName?) -> [Permission] { [] }
    package func approval(in team: TeamName?) -> Permission { .approveAdministration }
    package var summary: String {
        let reach = team.map { " in team \($0)" } ?? ""
        return holder == .person
            ? "makes \(subject) at \(issuer) another account of the author"
            : "lets the machine \(subject) at \(issuer) act for the author\(reach)"
    }
}
