import Foundation
import Synchronization

/// The folder that goes when the run ends; there is no teardown for a whole run.
let removal = Mutex<URL?>(nil)

func removeOriginal() {
    if let folder = removal.withLock({ $0 }) { try? FileManager.default.removeItem(at: folder) }
}
