/// One page of a list; `next` is the cursor of the page after it, absent on the last.
package struct Page<Item: Codable & Sendable>: Codable, Sendable {
    package static var defaultLimit: Int { 100 }
    package static var maximumLimit: Int { 1_000 }
    /// Most characters of a cursor.
    package static var longestCursor: Int { 512 }

    package let items: [Item]
    package let next: String?

    package init(items: [Item], next: String?) {
        self.items = items
        self.next = next
    }
}
