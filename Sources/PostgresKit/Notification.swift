/// What `NOTIFY` sent: a hint to look, never the truth.
package struct Notification: Sendable, Hashable {
    package let channel: String
    package let payload: String
}
