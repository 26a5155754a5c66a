extension ChangeContent {
    /// How it differs from an earlier content of the same change, a few words each.
    ///
    /// - Parameter label: what to call an operation.
    package func difference(from old: ChangeContent, label: (ChangeOperation) -> String) -> [String] {
        let (before, after) = (Set(old.operations), Set(operations))
        var lines = operations.filter { !before.contains($0) }.map { "\(label($0)) added" }
        lines += old.operations.filter { !after.contains($0) }.map { "\(label($0)) taken out" }
        if lines.isEmpty, old.operations != operations { lines.append("operations in another order") }
        if old.justification != justification { lines.append("justification changed") }
        if old.ticket != ticket { lines.append("ticket changed") }
        if old.breakGlass != breakGlass {
            lines.append(breakGlass == nil ? "break-glass taken out" : "break-glass set")
        }
        return lines.isEmpty ? ["made from a newer state of the team"] : lines
    }
}

extension ChangeOperation {
    /// What to call it where nothing can be looked up.
    package var title: String {
        switch self {
        case .addAnchor(let addition): "anchor in \(addition.kind.rawValue)/\(addition.store)"
        case .removeAnchor(let id): "removal of anchor \(id)"
        case .liftDenial(let id): "lifting of D-\(id)"
        case .setCustody: "custody"
        case .renewRole: "renewal"
        case .governed(let step): step.operation.summary
        }
    }
}
