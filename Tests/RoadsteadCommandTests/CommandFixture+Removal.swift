import Foundation
import Synchronization

/// The folder that goes when the run ends; there is no teardown for a whole run.
let removal = Mutex<URL?>(nil)

func removeOriginal() {
    guard let folder = removal.withLock({ $0 }) else { return }
    for path in [folder.path, folder.path + "-bin"] { try? FileManager.default.removeItem(atPath: path) }
}
