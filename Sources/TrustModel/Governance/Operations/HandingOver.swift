/// An operation after which images may fall to the owner of a shorter scope.
package protocol HandingOver: GovernedOperation {
    /// Whether that is meant; it is refused otherwise.
    var acceptHandover: Bool? { get }
}
