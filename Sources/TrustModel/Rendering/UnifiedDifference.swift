/// The difference of two texts in the form that `diff -u` prints. Equal texts have none.
package enum UnifiedDifference {
    /// More lines than this are only said to differ.
    package static let maximumLines = 20_000

    package static func lines(
        from old: [UInt8]?, to new: [UInt8]?, path: String, context: Int = 3
    ) -> [String] {
        let (before, after) = (split(old), split(new))
        guard before != after || (old == nil) != (new == nil) else { return [] }
        let head = ["--- \(old == nil ? "/dev/null" : "a/\(path)")", "+++ \(new == nil ? "/dev/null" : "b/\(path)")"]
        guard before.count + after.count <= maximumLines else {
            return head + ["@@ \(before.count) lines became \(after.count) @@"]
        }
        let edits = edits(before, after)
        return head + hunks(edits, context: context).flatMap { rendered($0) }
    }

    private enum Edit {
        case kept(String, old: Int, new: Int)
        case removed(String, old: Int, new: Int)
        case added(String, old: Int, new: Int)

        var isChange: Bool { if case .kept = self { false } else { true } }
    }

    private static func split(_ bytes: [UInt8]?) -> [String] {
        guard let bytes, !bytes.isEmpty else { return [] }
        var lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
        if lines.last?.isEmpty == true { lines.removeLast() }
        return lines.map(String.init)
    }

    private static func edits(_ before: [String], _ after: [String]) -> [Edit] {
        let difference = after.difference(from: before)
        let removed = Set(difference.removals.map(\.place))
        let added = Set(difference.insertions.map(\.place))
        var edits: [Edit] = []
        var (old, new) = (0, 0)
        while old < before.count || new < after.count {
            if old < before.count, removed.contains(old) {
                edits.append(.removed(before[old], old: old, new: new))
                old += 1
            } else if new < after.count, added.contains(new) {
                edits.append(.added(after[new], old: old, new: new))
                new += 1
            } else {
                edits.append(.kept(before[old], old: old, new: new))
                (old, new) = (old + 1, new + 1)
            }
        }
        return edits
    }

    /// Changes with the lines around them; those that touch are one.
    private static func hunks(_ edits: [Edit], context: Int) -> [ArraySlice<Edit>] {
        var ranges: [Range<Int>] = []
        for index in edits.indices where edits[index].isChange {
            let range = max(0, index - context)..<min(edits.count, index + context + 1)
            if let last = ranges.last, last.upperBound >= range.lowerBound {
                ranges[ranges.count - 1] = last.lowerBound..<range.upperBound
            } else {
                ranges.append(range)
            }
        }
        return ranges.map { edits[$0] }
    }

    private static func rendered(_ hunk: ArraySlice<Edit>) -> [String] {
        var lines: [String] = []
        var (oldCount, newCount) = (0, 0)
        var first: (old: Int, new: Int)?
        for edit in hunk {
            switch edit {
            case .kept(let text, let old, let new):
                lines.append(" \(text)")
                first = first ?? (old, new)
                (oldCount, newCount) = (oldCount + 1, newCount + 1)
            case .removed(let text, let old, let new):
                lines.append("-\(text)")
                first = first ?? (old, new)
                oldCount += 1
            case .added(let text, let old, let new):
                lines.append("+\(text)")
                first = first ?? (old, new)
                newCount += 1
            }
        }
        let start = first ?? (0, 0)
        let (old, new) = (start.old + (oldCount == 0 ? 0 : 1), start.new + (newCount == 0 ? 0 : 1))
        return ["@@ -\(old),\(oldCount) +\(new),\(newCount) @@"] + lines
    }
}

extension CollectionDifference.Change {
    fileprivate var place: Int {
        switch self {
        case .insert(let offset, _, _), .remove(let offset, _, _): offset
        }
    }
}
