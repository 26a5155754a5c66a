/// What `NOTIFY` sent: a hint to look, never the truth.
package struct ChannelNotification: Sendable, Hashable {
    package let channel: String
    package let payload: String

    package init(channel: String, payload: String) {
        self.channel = channel
        self.payload = payload
    }
}
