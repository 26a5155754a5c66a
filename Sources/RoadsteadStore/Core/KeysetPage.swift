/// One page of a list, in the order of a key; `next` is the key of its last item where there is more.
package struct KeysetPage<Item: Sendable>: Sendable {
    package let items: [Item]
    package let next: String?

    package init(items: [Item], next: String?) {
        self.items = items
        self.next = next
    }

    /// Made from a query that asked for one item more than the page has.
    init(fetched: [Item], limit: Int, key: (Item) -> String) {
        let items = Array(fetched.prefix(limit))
        self.init(items: items, next: fetched.count > limit ? items.last.map(key) : nil)
    }
}

/// How much of a list is wanted, and after which item.
package struct PageRequest: Sendable {
    package static let limitRange = 1...1_000

    package let after: String?
    package let limit: Int

    /// - Throws: `StoreError(.invalid)` for a limit outside 1 to 1,000.
    package init(after: String? = nil, limit: Int = 100) throws {
        guard Self.limitRange.contains(limit) else {
            throw StoreError(.invalid, "a page of \(limit) items cannot be had", hint: "1 to 1000")
        }
        self.after = after
        self.limit = limit
    }

    /// The cursor of a list that is ordered by number.
    func numberAfter() throws -> Int64 {
        guard let after else { return 0 }
        guard let number = Int64(after) else {
            throw StoreError(
                .invalid, "the cursor \"\(after.prefix(40))\" is none of this list",
                hint: "use `next` of the page before")
        }
        return number
    }

    var textAfter: String { after ?? "" }
    /// One more than asked for, to see whether there is a next page.
    var fetched: Int { limit + 1 }
}
