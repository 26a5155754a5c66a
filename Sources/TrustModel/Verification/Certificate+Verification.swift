import Codecs
package import PKI

extension Certificate {
    /// The subject as a person reads it, cut where it would swamp a message.
    package var subjectText: String { subject.shortDescription }

    /// The attributes of the subject as trusted identities name them; nil where a part holds several, which no identity
    /// can name.
    var subjectAttributes: [SubjectAttribute]? {
        subject.hasMultiValuedPart ? nil : allSubjectAttributes
    }

    /// Every attribute of the subject, however its parts hold them: for denials, which no form of a name escapes.
    var allSubjectAttributes: [SubjectAttribute] {
        subject.attributes.map { SubjectAttribute(type: $0.type.text, value: $0.value ?? "") }
    }

    /// The serial number as lower-case hexadecimal without leading zeros.
    package var serialText: String { serialNumber.text }

    /// Whether it says, in a form that can be read or not, that its revocation can be looked up.
    package var namesRevocationAddress: Bool {
        let addresses = extensions.revocation
        return addresses.hasCRL || addresses.hasOCSP || !addresses.freshestCRLURLs.isEmpty || addresses.isUnreadable
            || extensions["2.5.29.31"] != nil || extensions["2.5.29.46"] != nil
    }
}
